/** What one line of a log says of a request: the issuer's own lines, the decisions of services, those of sidecars. */
import type { LogLine } from './log-lines.ts';

export interface RequestEvent {
  /** Milliseconds since the epoch; undefined if the line does not say. */
  readonly time: number | undefined;
  /** Where the line stands. */
  readonly place: string;
  /** `issuer`, or the audience of a service. */
  readonly where: string;
  readonly what: 'issued' | 'swapped' | 'introspected' | 'revoked' | 'accepted' | 'refused' | 'reported';
  readonly txn: string | undefined;
  /** Anyone may have written `txn` and `caller`. */
  readonly isUnverified: boolean;
  readonly caller: string | undefined;
  readonly scope: string | undefined;
  /** Of a call that the service makes. */
  readonly callee: string | undefined;
  readonly code: string | undefined;
  readonly reason: string | undefined;
  readonly detail: string | undefined;
  /** Whether it is about a call of the service, not about a request to it. */
  readonly isCall: boolean;
}

type Fields = LogLine['value'];

const ISSUER = new Set(['issued', 'swapped', 'introspected', 'revoked']);
const DECISIONS = new Set(['accepted', 'refused', 'reported']);
/** Characters of a value that is shown. */
const LONGEST_TEXT = 512;

/** Reads the lines of one file. A sidecar names its service once, when it starts. */
export class EventReader {
  #audience = 'a sidecar';

  /** @returns undefined for a line that says nothing of a request. */
  read({ file, line, value }: LogLine): RequestEvent | undefined {
    const place = `${file}:${line}`;
    const message = text(value, 'msg');
    if (message === 'started' && text(value, 'audience') !== undefined)
      this.#audience = text(value, 'audience') ?? '';
    const decision = text(value, 'decision');
    if (decision !== undefined && DECISIONS.has(decision)) return ofService(value, decision, place);
    if (text(value, 'direction') !== undefined) return this.#ofSidecar(value, place);
    if (message !== undefined && ISSUER.has(message)) return ofIssuer(value, message, place);
    return undefined;
  }

  #ofSidecar(value: Fields, place: string): RequestEvent {
    const code = text(value, 'code');
    const isAccepted = code === undefined || code === 'allowed';
    return {
      ...shared(value, place),
      where: this.#audience,
      what: isAccepted ? 'accepted' : value['reported'] === true ? 'reported' : 'refused',
      caller: undefined,
      scope: undefined,
      callee: text(value, 'host'),
      code: isAccepted ? undefined : code,
      isCall: text(value, 'direction') === 'outbound',
    };
  }
}

function ofService(value: Fields, decision: string, place: string): RequestEvent {
  return {
    ...shared(value, place),
    where: text(value, 'audience') ?? 'a service',
    what: decision as RequestEvent['what'],
    caller: text(value, 'caller'),
    scope: text(value, 'scope'),
    callee: text(value, 'callee'),
    code: text(value, 'error'),
    isCall: text(value, 'at') === 'call',
  };
}

function ofIssuer(value: Fields, message: string, place: string): RequestEvent {
  return {
    ...shared(value, place),
    where: 'issuer',
    what: message as RequestEvent['what'],
    caller: text(value, 'caller') ?? text(value, 'client'),
    scope: text(value, 'scopes'),
    callee: text(value, 'entry'),
    code: undefined,
    isCall: false,
  };
}

function shared(value: Fields, place: string) {
  return {
    time: timeOf(value),
    place,
    txn: text(value, 'txn'),
    isUnverified: value['unverified'] === true,
    reason: text(value, 'reason'),
    detail: text(value, 'detail'),
  };
}

function text(value: Fields, name: string): string | undefined {
  const member = value[name];
  return typeof member === 'string' && member !== '' ? member.slice(0, LONGEST_TEXT) : undefined;
}

/** As loggers write it: milliseconds since the epoch, or ISO 8601. */
function timeOf(value: Fields): number | undefined {
  const time = value['time'] ?? value['timestamp'] ?? value['@timestamp'] ?? value['ts'];
  const milliseconds = typeof time === 'string' ? Date.parse(time) : time;
  return typeof milliseconds === 'number' && Math.abs(milliseconds) < 8.64e15 ? milliseconds : undefined;
}
