/** What should happen, by the call graph; what did happen, by the services' own reports; and both put side by side. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plan } from 'waybill';
import { shortName, type Operation } from './operations.ts';
import { ROOT } from './processes.ts';
import type { Hop } from './shop.ts';
import { DemoFailed } from './terminal.ts';

/** One operation of a service that calls one of another, as the shop's own sources have it. */
export interface OperationCall {
  readonly from: string;
  readonly fromOperation: string;
  readonly to: string;
  readonly toOperation: string;
}

export interface ExpectedHop extends Operation {
  readonly caller: string;
  /** 0 for the client's own request. */
  readonly depth: number;
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
  depth = 0,
): ExpectedHop[] {
  const below = calls
    .filter((call) => call.from === service && call.fromOperation === operation)
    .flatMap(({ to, toOperation }) =>
      expectedHops(calls, service, { service: to, operation: toOperation }, depth + 1),
    );
  return [{ caller, service, operation, depth }, ...below];
}

/** The hops agree with the expected ones, one by one and in order, and belong to one transaction. */
export function requireHops(expected: readonly ExpectedHop[], hops: readonly Hop[], plan: Plan): void {
  const wanted = expected.map((hop) => text(hop));
  const seen = hops.map(({ caller, ...hop }) => text({ ...hop, caller: callerName(caller, plan) }));
  const missing = wanted.filter((hop) => !seen.includes(hop));
  if (missing.length > 0) throw new DemoFailed(listed('these hops did not happen', missing));
  const excess = seen.filter((hop) => !wanted.includes(hop));
  if (excess.length > 0) throw new DemoFailed(listed('nothing leads to these hops', excess));
  if (seen.join() !== wanted.join())
    throw new DemoFailed(listed('the hops came in another order or number', seen));
}

function listed(what: string, hops: readonly string[]): string {
  return [`${what}:`, ...hops].join('\n  ');
}

function text({ caller, service, operation }: Omit<ExpectedHop, 'depth'>): string {
  return `${caller} → ${service} ${shortName(operation)}`;
}

/** A service's name for its identity; a client has no other name. */
export function callerName(caller: string, { services }: Plan): string {
  return [...services.values()].find(({ identity }) => identity === caller)?.name ?? caller;
}
