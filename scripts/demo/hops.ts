/** What should happen on a page of the shop, by its call graph. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './processes.ts';
import type { Operation } from './programs/operations.ts';

/** One operation of a service that calls one of another, as the shop's own sources have it. */
export interface OperationCall {
  readonly from: string;
  readonly fromOperation: string;
  readonly to: string;
  readonly toOperation: string;
}

export interface ExpectedHop extends Operation {
  readonly caller: string;
}

export function readCalls(): readonly OperationCall[] {
  const file = path.join(ROOT, 'test/callgraphs/online-boutique.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { operationCalls: OperationCall[] }).operationCalls;
}

/** The request itself and every call that it leads to, each below the one that makes it. */
export function expectedHops(
  calls: readonly OperationCall[],
  caller: string,
  { service, operation }: Operation,
): ExpectedHop[] {
  const below = calls
    .filter((call) => call.from === service && call.fromOperation === operation)
    .flatMap(({ to, toOperation }) => expectedHops(calls, service, { service: to, operation: toOperation }));
  return [{ caller, service, operation }, ...below];
}
