/** What a target cannot express, or expresses with a condition: said for each service, so that nothing is lost in silence. */

/** Closed, so that tests can count what they leave out by code. */
export type NoteCode =
  // the whole export
  | 'report-mode'
  // operations
  | 'no-operations'
  | 'operation-not-http'
  | 'operation-unreadable'
  | 'operation-unsupported'
  | 'operation-shadowed'
  | 'operations-overlap'
  // who calls
  | 'no-callers'
  | 'no-gateway'
  | 'caller-unchecked'
  | 'granted-on-condition'
  | 'call-ends'
  | 'identity-unsupported'
  | 'several-uris'
  // tokens
  | 'signing-algorithm'
  | 'packed-encoding'
  | 'sealed-tokens'
  | 'bound-tokens'
  | 'revocation'
  | 'on-demand'
  | 'forwarded-token'
  | 'several-audiences'
  | 'never-issued'
  // callees
  | 'no-address'
  | 'shared-host'
  | 'unrouted-callee'
  // the target's own limits
  | 'key-files'
  | 'name-unsupported'
  | 'token-too-large';

export interface ExportNote {
  readonly code: NoteCode;
  /** The service of the graph; undefined for what is true of all. */
  readonly service: string | undefined;
  /** One sentence or two: what is missing, and what to use instead. */
  readonly message: string;
}

/** Collects notes in the order in which they come up, each once. */
export class Notes {
  readonly #notes = new Map<string, ExportNote>();

  constructor(notes: readonly ExportNote[] = []) {
    for (const { code, service, message } of notes) this.add(code, service, message);
  }

  /** @param messages by code; what is not the case is no text. */
  about(
    service: string | undefined,
    messages: Readonly<Partial<Record<NoteCode, string | false | undefined>>>,
  ): void {
    for (const [code, message] of Object.entries(messages))
      if (typeof message === 'string') this.add(code as NoteCode, service, message);
  }

  add(code: NoteCode, service: string | undefined, message: string): void {
    this.#notes.set(JSON.stringify([code, service, message]), { code, service, message });
  }

  get list(): readonly ExportNote[] {
    return [...this.#notes.values()];
  }
}

/** What is true of one of these services, or of all. */
export function notesOn(notes: readonly ExportNote[], ...services: readonly string[]): readonly ExportNote[] {
  return notes.filter(({ service }) => service === undefined || services.includes(service));
}

/** `stock: no-operations: …` in one line. */
export function noteText({ code, service, message }: ExportNote): string {
  return oneLine(`${service === undefined ? '' : `${service}: `}${code}: ${message}`);
}

/** Notes as comment lines of YAML, shell, HAProxy and nginx. */
export function noteComments(notes: readonly ExportNote[]): string {
  return notes.map((note) => `# ${noteText(note)}\n`).join('');
}

/** Keeps a name of the graph from ending the comment that it stands in. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}
