/** `until` of a call: the last day on which it may be made. Says so in time, and when that day has passed. */
import { dayOf, daysBetween, isDay } from '../day.ts';
import { callHolders } from '../declare/call-holders.ts';
import type { CallDeclaration, GraphDeclaration } from '../declare/declaration.ts';
import { hasEnded } from '../declare/ended-calls.ts';
import type { Findings } from '../finding.ts';

/** Days before the end, that day counted, on which a warning says so. */
const WARNED_DAYS = 30;

/** @param graph with all calls. @param now seconds since the epoch. */
export function checkUntil(graph: GraphDeclaration, now: number, findings: Findings): void {
  const today = dayOf(now);
  for (const { calls } of callHolders(graph)) for (const call of calls) checkCall(call, today, findings);
}

function checkCall(call: CallDeclaration, today: string, findings: Findings): void {
  const { until, callee } = call;
  if (!until) return;
  const day = until.value;
  if (!isDay(day)) {
    findings.add('invalid-value', until, `${day} is no day.`, 'Write the last day, in UTC, as 2027-03-31.');
    return;
  }
  if (hasEnded(call, today)) {
    findings.add(
      'call-ended',
      until,
      `This call of ${callee.value} has ended: its last day was ${day}.`,
      'Take the call out, or set a later day if it is still needed.',
    );
    return;
  }
  if (daysBetween(today, day) >= WARNED_DAYS) return;
  findings.add(
    'call-ends',
    until,
    `This call of ${callee.value} ends after ${day}: then no token is issued for it.`,
    'See to it that the caller no longer needs it, or set a later day.',
  );
}
