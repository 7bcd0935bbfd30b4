/** Prints the way of a transaction, and why it ended. */
import { meaningOf } from './meanings.ts';
import type { RequestEvent } from './event.ts';
import { isRefusal, type Story } from './story.ts';
import { paint, plain, plural, print } from '../output/terminal.ts';
import { renderColumns } from '../output/tree.ts';

export function printStory(txn: string, { events, dropped, read }: Story): void {
  print(`${paint.bold(plain(txn))}  ${plural(events.length, 'event')} in ${plural(read.lines, 'line')}\n`);
  printEvents(events, false);
  printLeftOut(dropped, read);
  const codes = new Map<string, RequestEvent>();
  for (const event of events)
    if (isRefusal(event) && event.code !== undefined && !codes.has(event.code)) codes.set(event.code, event);
  for (const [code, event] of codes) printMeaning(code, event);
}

export function printRefusals({ events, dropped, read }: Story): void {
  print(`${plural(events.length, 'refusal')} in ${plural(read.lines, 'line')}\n`);
  printEvents(events, true);
  printLeftOut(dropped, read);
}

const COLOURS: Partial<Record<RequestEvent['what'], (text: string) => string>> = {
  refused: paint.red,
  reported: paint.yellow,
};

function printEvents(events: readonly RequestEvent[], showsTxn: boolean): void {
  const rows = events.map((event) => [
    event.time === undefined ? 'no time' : new Date(event.time).toISOString().slice(11, 23),
    plain(whereText(event)),
    event.what,
    plain(aboutText(event)),
    showsTxn ? plain(event.txn ?? 'no token') : '',
    event.isUnverified ? 'unverified' : '',
    plain(event.place),
  ]);
  const used = rows.map((row) => row.filter((_, at) => rows.some((each) => each[at] !== '')));
  for (const [at, text] of renderColumns(used, []).split('\n').entries())
    print(COLOURS[events[at]!.what]?.(text) ?? text);
}

function whereText({ where, isCall, callee }: RequestEvent): string {
  return isCall && callee !== undefined ? `${where} → ${callee}` : where;
}

function aboutText({ what, where, caller, scope, callee, code, isCall }: RequestEvent): string {
  if (code !== undefined) return [code, scope && `for ${scope}`].filter(Boolean).join(' ');
  const to = where === 'issuer' && callee !== undefined ? ` at ${callee}` : '';
  const by = caller === undefined || isCall ? '' : where === 'issuer' ? `to ${caller}` : `from ${caller}`;
  return (
    [by, scope && `for ${scope}${to}`].filter(Boolean).join(' ') || (what === 'revoked' ? 'whole tree' : '')
  );
}

function printMeaning(code: string, event: RequestEvent): void {
  const known = meaningOf(code);
  const verb = event.what === 'refused' ? 'Refused' : 'Would have been refused';
  print(`\n${paint.bold(`${verb} at ${plain(whereText(event))}: ${plain(code)}`)}`);
  if (event.reason !== undefined) print(`  ${plain(event.reason)}`);
  if (event.detail !== undefined) print(`  ${paint.dim(plain(event.detail))}`);
  if (known) print(`  ${known.meaning}\n  ${known.advice}`);
  if (event.isUnverified)
    print('  The token was not verified there: anyone may have written this txn and its caller into it.');
}

function printLeftOut(dropped: number, { others, tooLong }: Story['read']): void {
  if (dropped > 0)
    print(paint.yellow(`${plural(dropped, 'older event')} left out: only the last 10,000 are kept.`));
  if (tooLong > 0) print(paint.yellow(`${plural(tooLong, 'line')} of over 64 KiB passed over.`));
  if (others > 0) print(paint.dim(`${plural(others, 'line')} without JSON passed over.`));
}
