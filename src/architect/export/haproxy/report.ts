/** What HAProxy writes of requests in report mode: lines of JSON on its standard output, as Envoy does. */
import type { Reporter } from '../report/access-log.ts';
import { quoted, when } from './text.ts';

/** A call to a host that is no callee. HAProxy has no address for it. */
export const NO_CALLEE = '!var(txn.callee) -m found';

const REFUSED = when('var(txn.refusal) -m found');

/** Longer lines are cut by HAProxy. */
const LINE_BYTES = 8192;

/** Of the frontend. Only what is an error is written: other requests have the level `info`. */
export function logLines(at: 'service' | 'call', { name, audience }: Reporter): readonly string[] {
  const known = { at, service: name, audience };
  const members = [
    '"time":"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"',
    '"decision":"%[var(txn.decision)]"',
    // In a format `%` begins a variable.
    JSON.stringify(known).slice(1, -1).replaceAll('%', '%%'),
    '"method":"%HM"',
    '%[var(txn.report)]',
    '"status":%ST',
    '"flags":"%ts"',
  ];
  return [
    `log stdout len ${LINE_BYTES} format raw local0 err`,
    `log-format ${quoted(`{${members.join(',')}}`)}`,
  ];
}

/** Members that a line has only where there is a value: name, sample, most bytes. Of the token only what was verified. */
export type ReportedMember = readonly [name: string, sample: string, bytes: number];

/** Behind all rules that may refuse. */
export function reportLines(members: readonly ReportedMember[]): readonly string[] {
  return [
    'http-request set-var(txn.decision) str(reported)',
    `http-request set-var-fmt(txn.report) ${quoted('"error":"%[var(txn.refusal)]"')} if ${REFUSED}`,
    ...[PATH, ...members].map(([name, sample, bytes]) => {
      const value = `%[${sample},bytes(0,${bytes}),json(utf8s)]`;
      const member = quoted(`%[var(txn.report)],"${name}":"${value}"`);
      return `http-request set-var-fmt(txn.report) ${member} if ${REFUSED} ${when(`${sample} -m found`)}`;
    }),
    `http-request set-log-level err if ${REFUSED}`,
  ];
}

/** Without its query. */
const PATH: ReportedMember = ['path', 'path', 1024];
