/** What should happen, by the call graph; what did happen, by the services' own reports; and both put side by side. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { CallView, Plan } from 'waybill';
import { shortName, type Operation } from './operations.ts';
import { ROOT } from './processes.ts';
import type { Hop } from './shop.ts';
import { DemoFailed, paint, table } from './terminal.ts';

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
  if (missing.length > 0) throw new DemoFailed(`did not happen: ${missing.join('; ')}`);
  const excess = seen.filter((hop) => !wanted.includes(hop));
  if (excess.length > 0) throw new DemoFailed(`happened, though nothing leads to it: ${excess.join('; ')}`);
  if (seen.join('; ') !== wanted.join('; '))
    throw new DemoFailed(`happened in another order or number than expected: ${seen.join('; ')}`);
  const transactions = new Set(hops.map(({ txn }) => txn));
  if (transactions.size !== 1) throw new DemoFailed(`${transactions.size} transactions in one order`);
}

function text({ caller, service, operation }: Omit<ExpectedHop, 'depth'>): string {
  return `${caller} → ${service} ${shortName(operation)}`;
}

/** A service's name for its identity; a client has no other name. */
function callerName(caller: string, { services }: Plan): string {
  return [...services.values()].find(({ identity }) => identity === caller)?.name ?? caller;
}

/** @param root what the graph plans for this request: the budget of each hop. */
export function drawHops(
  expected: readonly ExpectedHop[],
  hops: readonly Hop[],
  plan: Plan,
  root: CallView,
): string[] {
  const budgets = budgetsOf(root, expected[0]?.caller ?? '');
  const rows = hops.map((hop, index) => {
    const caller = callerName(hop.caller, plan);
    const budget = budgets.get(`${caller} ${hop.service}`);
    const way = `${caller} → ${paint.bold(hop.service)}  ${shortName(hop.operation)}`;
    return [
      `${'  '.repeat(expected[index]?.depth ?? 0)}${way}`,
      paint.cyan(hop.scopes.join(' ')),
      `${hop.lineBytes.toLocaleString('en')} B`,
      ...share(hop, budget),
    ];
  });
  return table(rows, [2, 3]);
}

function share({ tokenBytes }: Hop, budget: CallView['budget']): [string, string] {
  if (!budget?.limit) return ['', paint.dim('no limit known')];
  const percent = Math.max(1, Math.round((100 * tokenBytes) / budget.limit));
  return [`${percent} %`, paint.dim(`of ${budget.limit.toLocaleString('en')} (${budget.profile})`)];
}

/** By caller and callee. */
function budgetsOf(view: CallView, caller: string): Map<string, CallView['budget']> {
  const below = view.calls.flatMap((call) => [...budgetsOf(call, view.service)]);
  return new Map([[`${caller} ${view.service}`, view.budget], ...below]);
}
