/**
 * Facts as people fill them in, as the request that has them. Values are read as `waybill plan --subject` reads them, and a value
 * that the issuer would refuse is refused.
 */
import { usageError } from '../../../../errors.ts';
import {
  isAllowed,
  valueBytes,
  type ClaimPlan,
  type ClientPlan,
  type Plan,
  type SubjectFacts,
  type TreeRequest,
} from '../../../../graph/index.ts';

/** By the name that conditions use, `auth.age`: as it is written. Empty: all conditions hold, and values are the largest. */
export type GivenFacts = Readonly<Record<string, string>>;

export const NO_FACTS: GivenFacts = {};

/** @throws WaybillError for a value that its claim cannot have. */
export function requestWith(
  plan: Plan,
  client: ClientPlan,
  given: GivenFacts,
): Pick<TreeRequest, 'facts' | 'anyFacts'> {
  if (Object.keys(given).length === 0) return {};
  const request = new Map<string, unknown>();
  for (const [name, text] of givenOf(given, 'request')) {
    const claim = plan.claims.get(name);
    if (!claim) continue;
    const value = readValue(text, claim.type);
    if (!isAllowed(value, claim) || valueBytes(value) > (claim.maxBytes ?? Infinity))
      throw usageError(`The request cannot have this value of ${name}.`);
    request.set(name, value);
  }
  return { facts: { subject: subjectOf(plan, client, given), request, atSwap: true }, anyFacts: false };
}

/** Only the difference to the time of the login counts. */
const NOW = 2_000_000_000;

function subjectOf(plan: Plan, client: ClientPlan, given: GivenFacts): SubjectFacts | undefined {
  const provider = given['provider'] ?? client.subjects[0]?.name;
  const saysUser = Object.keys(given).some((name) => !name.startsWith('request.'));
  if (provider === undefined || !(saysUser || !client.grants.has('client_credentials'))) return undefined;
  const claims: Record<string, unknown> = {};
  for (const [name, text] of givenOf(given, 'subject')) {
    const claim = plan.claims.get(name);
    const path = claim && 'path' in claim.source ? claim.source.path : name;
    claims[path] = readValue(text, claim?.type ?? 'any');
  }
  const { 'auth.acr': acr, 'auth.age': age } = given;
  if (acr !== undefined) claims['acr'] = acr;
  if (age !== undefined) {
    if (!/^\d{1,9}$/.test(age)) throw usageError('The age of the login is a number of seconds.');
    claims['auth_time'] = NOW - Number(age);
  }
  return { provider, claims, now: NOW };
}

function givenOf(given: GivenFacts, source: 'subject' | 'request'): [string, string][] {
  return Object.entries(given).flatMap(([name, text]): [string, string][] =>
    name.startsWith(`${source}.`) ? [[name.slice(source.length + 1), text]] : [],
  );
}

function readValue(text: string, type: ClaimPlan['type']): unknown {
  if (type === 'string') return text;
  if (type === 'strings' && !text.trim().startsWith('['))
    return text.split(',').flatMap((part) => part.trim() || []);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
