/** What a source does not say. Each is counted and reported with the result: nothing that was read is dropped silently. */
import { getOrAdd } from '../../get-or-add.ts';

const MESSAGES = {
  'services-only':
    'Rows that name services only: the scope `call` stands for everything a service does. Split it before you rely on it',
  'missing-parent': 'Spans whose parent is missing from the files: the caller is unknown',
  'missing-client-half': "Server spans marked `shared` (Zipkin) without the client's span",
  'server-under-server':
    "Server spans directly below another service's server span, counted as requests from outside",
  'cyclic-parents': 'Cycles of parent spans, each cut at one span',
  'repeated-span': 'Duplicate spans, counted once',
  'no-kind': 'Calls inferred from spans without a kind (client or server)',
  'nameless-callee': 'Calls whose callee has no name, left out',
  'no-operation': 'Calls whose operation is unknown',
  'source-error': 'Errors that the source reports beside its data: perhaps it lacks some',
  redirected: 'Spans that only follow a redirect, left out',
  'nameless-service': 'Spans without a service name, left out',
  'unknown-service':
    'Services without a name of their own: several programs may share it. Set OTEL_SERVICE_NAME',
  'partial-namespace':
    'Names with a namespace in some places and without one in others: perhaps two services, perhaps one',
  'ambiguous-callee':
    'Calls to a name that several or other namespaces have: which service is meant, is unknown',
  'cut-trace-id': 'Traces whose id some services cut to 64 bits, joined by its last 16 digits',
  'unclear-trace-id': 'Traces with an id of 64 bits that ends several longer ids, left unjoined',
  probe: 'Health checks and metrics, left out: no client asks for them',
  'unused-rename': 'Names to rename that the files do not have',
  'linked-elsewhere': 'Spans linked to another trace: the sender of the message is unknown',
  folded: 'Operations with ids in their path, replaced by {id}; check these templates',
  'catch-all':
    'Routes for every path: a scope with such an operation covers all others. Name what is really called',
  'many-operations': 'Mentions of operations beyond the limit of a service, counted as one operation',
  'many-callees': 'Calls beyond the limit of callees of one operation, left out',
  'many-spans': 'Spans beyond the limit of one trace, left out',
  'late-service': 'Spans whose service is named too late in the file, left out',
  'service-node': 'Services of Kubernetes without their workloads, each taken as one service with its name',
  'shared-service':
    'Services of Kubernetes with several apps behind them: calls are divided among these by their traffic',
  'bad-row': 'Rows without names or ids, or without a valid count, left out',
  idle: 'Rows without traffic, left out',
  tcp: 'Rows of plain TCP: no header for a token',
  'deny-rule': 'DENY policies, left out: only what is allowed is read',
  'other-action': 'Policies with action AUDIT or CUSTOM, left out',
  'no-selector': 'Policies that select no workload, treated as one service named after their namespace',
  'default-account':
    'Rules that allow the account `default`, which all pods without an account of their own share',
  condition:
    'Rules with conditions (`when`, `not…`, namespaces, addresses, hosts); the conditions are left out',
  'pattern-source': 'Rules that allow callers they do not name, read as requests from outside',
  'other-document': 'Documents that are not an AuthorizationPolicy, skipped',
} as const satisfies Readonly<Record<string, string>>;

export type ImportWarningCode = keyof typeof MESSAGES;

export interface ImportWarning {
  readonly code: ImportWarningCode;
  readonly count: number;
  /** Print the count behind it. */
  readonly message: string;
  /** Which names it is about: the first ones. */
  readonly names?: readonly string[];
}

const MAX_WARNING_NAMES = 5;

export class ImportWarnings {
  readonly #found = new Map<ImportWarningCode, { count: number; readonly names: Set<string> }>();

  /** @param name what it is about, if it has a name. */
  add(code: ImportWarningCode, count = 1, name?: string): void {
    const found = getOrAdd(this.#found, code, () => ({ count: 0, names: new Set<string>() }));
    found.count += count;
    if (name !== undefined && found.names.size < MAX_WARNING_NAMES) found.names.add(name);
  }

  list(): readonly ImportWarning[] {
    return (Object.keys(MESSAGES) as ImportWarningCode[]).flatMap((code) => {
      const found = this.#found.get(code);
      if (!found) return [];
      const { count, names } = found;
      return [{ code, count, message: MESSAGES[code], ...(names.size > 0 ? { names: [...names] } : {}) }];
    });
  }
}

/** A warning as one sentence, for people. */
export function warningText({ message, count, names = [] }: ImportWarning): string {
  const named = names.length === 0 ? '' : ` (${names.join(', ')}${names.length < count ? ', …' : ''})`;
  return `${message}: ${count.toLocaleString('en')}${named}.`;
}
