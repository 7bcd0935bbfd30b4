/** What a source does not say. Each is counted and reported with the result: nothing that was read is dropped silently. */
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
  redirected: 'Spans that only follow a redirect, left out',
  'nameless-service': 'Spans without a service name, left out',
  'linked-elsewhere': 'Spans linked to another trace: the sender of the message is unknown',
  folded: 'Operations with ids in their path, replaced by {id}; check these templates',
  'many-operations': 'Mentions of operations beyond the limit of a service, counted as one operation',
  'many-callees': 'Calls beyond the limit of callees of one operation, left out',
  'many-spans': 'Spans beyond the limit of one trace, left out',
  'late-service': 'Spans whose service is named too late in the file, left out',
  'bad-row': 'Rows without names or without a valid count, left out',
  idle: 'Rows without traffic, left out',
  tcp: 'Rows of plain TCP: no header for a token',
  'deny-rule': 'DENY policies, left out: only what is allowed is read',
  'other-action': 'Policies with action AUDIT or CUSTOM, left out',
  'no-selector': 'Policies that select no workload, treated as one service named after their namespace',
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
}

export class ImportWarnings {
  readonly #counts = new Map<ImportWarningCode, number>();

  add(code: ImportWarningCode, count = 1): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + count);
  }

  list(): readonly ImportWarning[] {
    return (Object.keys(MESSAGES) as ImportWarningCode[]).flatMap((code) => {
      const count = this.#counts.get(code);
      return count === undefined ? [] : [{ code, count, message: MESSAGES[code] }];
    });
  }
}
