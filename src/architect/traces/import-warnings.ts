/** What a source left open. Each is counted, and told with the graph: nothing that was read is lost without a word. */
export const MESSAGES = {
  'services-only':
    'The source knows services and no operations; the scope `call` stands for all that a service does. Split it before you rely on it. Rows',
  'missing-parent': 'Spans whose parent is not in the files, so that nobody knows who called',
  'missing-client-half':
    "Calls without a client's span, though the server's says that there was one (Zipkin's `shared`)",
  'server-under-server':
    "Server spans under another service's with no client between, taken for new requests from outside",
  'cyclic-parents': 'Circles of parents, cut at one span',
  'repeated-span': 'Spans that came more than once and count once',
  'no-kind': 'Calls told by spans that do not say whether they are client or server',
  'nameless-callee': 'Calls to somebody whom neither side names, left out',
  'no-operation': 'Calls of which nobody says what operation they called',
  redirected: 'Spans that only followed a redirect and are no calls',
  'nameless-service': 'Spans that do not say of which service they are, left out',
  'linked-elsewhere': 'Spans linked to other traces, so that nobody knows who sent their messages',
  folded: 'Operations with ids in their paths, folded into {id}; look at these templates',
  'many-operations': 'Mentions of operations beyond the bound of a service, counted together',
  'many-callees': 'Calls beyond the bound of callees of one operation, left out',
  'many-spans': 'Spans beyond the bound of one trace, left out',
  'late-service': 'Spans whose service was told too far behind them, left out',
  'bad-row': 'Rows without names, or with a count that is no number, left out',
  idle: 'Rows without traffic, left out',
  tcp: 'Rows of plain TCP, where no header could carry a token',
  'deny-rule': 'Policies that deny, which are no part of what is allowed here',
  'other-action': 'Policies that neither allow nor deny (AUDIT, CUSTOM), left out',
  'no-selector': 'Policies that select no workload, taken for one service with the name of their namespace',
  condition:
    'Rules that hold under conditions only (`when`, `not…`, namespaces, addresses, hosts); the conditions are left out',
  'pattern-source': 'Rules that let others call than those they name, taken for requests from outside',
  'other-document': 'Documents that are no AuthorizationPolicy, passed over',
} as const satisfies Readonly<Record<string, string>>;

export type ImportWarningCode = keyof typeof MESSAGES;

export interface ImportWarning {
  readonly code: ImportWarningCode;
  readonly count: number;
  /** Without the count, which belongs behind it. */
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
