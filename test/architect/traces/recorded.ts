/** The call graphs of real systems as traces: every entry operation once a round, and all that it calls below it. */
import type { CallGraph, OperationCall } from '../../support/graphs/call-graph.ts';
import type { TestSpan } from '../../support/spans.ts';

const ROUTE = /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)$/;
/** Deeper calls come round again: the graphs have none. */
const MAX_LEVELS = 24;

export function tracesOf({ entryOperations, operationCalls }: CallGraph): readonly TestSpan[] {
  const below = new Map<string, OperationCall[]>();
  for (const call of operationCalls) {
    const key = JSON.stringify([call.from, call.fromOperation]);
    below.set(key, [...(below.get(key) ?? []), call]);
  }
  const spans: TestSpan[] = [];
  const visit = (
    service: string,
    operation: string,
    trace: string,
    parent: string | undefined,
    level: number,
  ): void => {
    const id = add({
      service,
      name: operation,
      kind: 'server',
      trace,
      ...(parent === undefined ? {} : { parent }),
    });
    if (level === MAX_LEVELS) return;
    for (const call of below.get(JSON.stringify([service, operation])) ?? []) {
      const step = add({ service, name: 'handle', kind: 'internal', trace, parent: id });
      const client = add({ service, name: call.toOperation, kind: 'client', trace, parent: step });
      visit(call.to, call.toOperation, trace, client, level + 1);
    }
  };
  const add = (span: Omit<TestSpan, 'id'>): string => {
    const id = (spans.length + 1).toString(16);
    const [, method, route] = ROUTE.exec(span.name) ?? [];
    const tags =
      method === undefined || route === undefined
        ? {}
        : { 'http.request.method': method, 'http.route': route };
    spans.push({ ...span, id, tags });
    return id;
  };
  for (const [index, { service, operation }] of entryOperations.entries())
    visit(service, operation, (index + 1).toString(16), undefined, 0);
  return spans;
}
