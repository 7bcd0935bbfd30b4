/** Which requests a service accepts with which scope from whom. */
import type { ScopePlan, ServicePlan } from '../../graph/index.ts';
import type { InboundCall, TokenCaller } from './calls.ts';
import type { Notes } from './notes.ts';
import { OverlapIndex, parseOperation, takesAway, type HttpOperation } from './operations/index.ts';

/** Allows the operations of one scope to the callers that the graph gives it to. */
export interface InboundRule {
  readonly scope: string;
  /** Never empty. */
  readonly callers: readonly InboundCaller[];
  /** Empty: no request is allowed. */
  readonly operations: readonly InboundOperation[];
}

export type InboundCaller = TokenCaller & {
  /** The service that passes this caller's token on. */
  readonly forwardedBy: string | undefined;
};

export interface InboundOperation extends HttpOperation {
  /**
   * Requests that belong to another scope, which names them more exactly: `GET /items/new` beside `GET /items/{id}`. A
   * target must take them away in every spelling that a server may accept.
   */
  readonly except: readonly HttpOperation[];
}

export function inboundRules(
  service: ServicePlan,
  calls: readonly InboundCall[],
  notes: Notes,
): readonly InboundRule[] {
  if (calls.length === 0)
    notes.add('no-callers', service.name, 'Nobody calls it with a token, so no request is allowed.');
  const read = new Map<ScopePlan, readonly HttpOperation[]>();
  for (const scope of service.scopes.values()) read.set(scope, operationsOf(scope, service, notes));
  const all = new OverlapIndex<Operation>();
  for (const [scope, own] of read) for (const operation of own) all.add(operation, { operation, scope });
  const rules: InboundRule[] = [];
  for (const [scope, own] of read) {
    const callers = callersOf(scope, calls);
    if (callers.length === 0) continue;
    const operations = own.map((operation) => ({
      ...operation,
      except: all
        .overlapping(operation)
        .filter(
          (other) => other.scope !== scope && isForeign({ operation, scope, own }, other, service, notes),
        )
        .map((other) => other.operation),
    }));
    rules.push({ scope: scope.name, callers, operations });
  }
  return rules;
}

function callersOf(scope: ScopePlan, calls: readonly InboundCall[]): InboundCaller[] {
  return calls
    .filter(({ scopes }) => scopes.includes(scope))
    .map(({ caller, forwardedBy }) => ({ ...caller, forwardedBy }));
}

function operationsOf(scope: ScopePlan, service: ServicePlan, notes: Notes): HttpOperation[] {
  if (scope.operations.length === 0)
    notes.about(service.name, {
      'no-operations': `The scope ${scope.name} has no operations, so no request is allowed with it. Add \`operations\`.`,
    });
  return scope.operations.flatMap((text) => {
    const read = parseOperation(text);
    if (read.refused === undefined) return read.operations;
    const what = `No request is allowed as \`${text}\` of ${scope.name}, because ${read.why}.`;
    notes.about(
      service.name,
      read.refused === 'not-http'
        ? {
            'operation-not-http': `${what} Let the service check the scope itself, or write \`METHOD /path\`.`,
          }
        : {
            'operation-unreadable': `${what} Write the path with \`{name}\` for a segment, and \`*\` at its end for the rest.`,
          },
    );
    return [];
  });
}

interface Operation {
  readonly operation: HttpOperation;
  readonly scope: ScopePlan;
}

/** Whether requests that both accept belong to the other scope alone. */
function isForeign(
  { operation, scope, own }: Operation & { readonly own: readonly HttpOperation[] },
  other: Operation,
  { name }: ServicePlan,
  notes: Notes,
): boolean {
  const taken = takesAway(other.operation, operation, own);
  if (taken === undefined) return false;
  const [ours, theirs] = [
    `\`${operation.text}\` of ${scope.name}`,
    `\`${other.operation.text}\` of ${other.scope.name}`,
  ];
  if (taken === 'more-exact') {
    // Of `/items/{id}` and `/items/new` everybody expects it; a `*` looks as if it allowed all.
    if (operation.path.at(-1)?.kind === 'rest')
      notes.about(name, {
        'operation-shadowed': `${ours} does not allow what ${theirs} names more exactly. Add that operation to ${scope.name} if it may do both.`,
      });
  } else
    notes.about(name, {
      'operations-overlap': `${ours} and ${theirs} accept some of the same requests, and neither is the more exact. Those requests are denied. Write one of the paths more exactly.`,
    });
  return true;
}
