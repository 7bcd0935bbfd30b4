/** What is known of one request: of its user, of the login, and what the client and the gateway say of it. */
import type { Command } from 'commander';
import { usageError } from '../../errors.ts';
import {
  didYouMean,
  isOfType,
  type ClaimPlan,
  type ClaimType,
  type ClientPlan,
  type Plan,
  type TreeRequest,
} from '../../graph/index.ts';
import { requestContext } from '../../issuer/index.ts';

export interface FactArguments {
  readonly subject: readonly string[];
  readonly auth: readonly string[];
  readonly request: readonly string[];
}

export function withFactOptions(command: Command): Command {
  const listed = (text: string, earlier: readonly string[]): readonly string[] => [...earlier, text];
  return command
    .option(
      '--subject <name=value>',
      'plan one request as it would be issued: a claim of the user, or provider=NAME (repeatable)',
      listed,
      [],
    )
    .option(
      '--auth <name=value>',
      "the same: acr=LEVEL of the user's login, as the provider writes it, or age=SECONDS since then (repeatable)",
      listed,
      [],
    )
    .option('--request <name=value>', 'the same: a claim of the request (repeatable)', listed, []);
}

/**
 * @returns the facts of a request; of none, where no option gives one: then every condition counts as true, and every value as
 *   the largest.
 * @throws WaybillError `usage`; `invalid_request` for what the request may not say
 */
export function factsOf(
  plan: Plan,
  client: ClientPlan,
  { subject, auth, request }: FactArguments,
  now: number,
): Pick<TreeRequest, 'request' | 'facts' | 'anyFacts'> {
  if (subject.length + auth.length + request.length === 0) return {};
  const said = Object.fromEntries(request.map((text) => readRequestClaim(plan, text)));
  const user = subject.length + auth.length === 0 ? undefined : readUser(plan, client, subject, auth, now);
  const facts = { subject: user, request: requestContext(plan, client, said), atSwap: true };
  return { request: said, facts, anyFacts: false };
}

function readRequestClaim({ claims }: Plan, text: string): [string, unknown] {
  const [name, value] = splitPair(text, '--request');
  const claim = claims.get(name);
  const known = [...claims.values()].filter(({ source }) => 'setBy' in source).map((each) => each.name);
  if (!claim || !known.includes(name))
    throw usageError(`The graph has no claim ${name} of the request. ${didYouMean(name, known)}`.trim());
  return [name, readValue(value, claim)];
}

function readUser(
  plan: Plan,
  client: ClientPlan,
  subject: readonly string[],
  auth: readonly string[],
  now: number,
) {
  let [provider] = client.subjects.map(({ name }) => name);
  const claims: Record<string, unknown> = {};
  for (const text of subject) {
    const [name, value] = splitPair(text, '--subject');
    const claim = plan.claims.get(name);
    if (name === 'provider') provider = value;
    else if (!claim) claims[name] = readJson(value);
    else if ('path' in claim.source && claim.source.from === 'subject')
      claims[claim.source.path] = subjectValue(value, claim);
    else throw usageError(`The claim ${name} is not one of the user.`);
  }
  for (const text of auth) {
    const [name, value] = splitPair(text, '--auth');
    if (name === 'acr') claims['acr'] = value;
    else if (name === 'age' && /^\d{1,9}$/.test(value)) claims['auth_time'] = now - Number(value);
    else throw usageError('--auth takes acr=LEVEL or age=SECONDS.');
  }
  if (provider === undefined || !client.subjects.some(({ name }) => name === provider))
    throw usageError(`${client.name} exchanges no tokens of users${provider ? ` of ${provider}` : ''}.`);
  return { provider, claims, now };
}

function splitPair(text: string, option: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw usageError(`${option} takes name=value.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** How a value of each type is written. */
const WRITTEN: Readonly<Record<ClaimType, string>> = {
  any: 'JSON, or a text',
  string: 'a text',
  int: 'a whole number',
  bool: 'true or false',
  strings: 'a list of texts in JSON, such as ["a","b"]',
};

/** The issuer would take a value of another type for none. Here it is an oversight. */
function subjectValue(text: string, claim: ClaimPlan): unknown {
  const { name, type } = claim;
  const value = readValue(text, claim);
  if (isOfType(value, type)) return value;
  throw usageError(`--subject ${name}=… takes ${WRITTEN[type]}: the claim has the type ${type}.`);
}

/** A text needs no quotes; anything else is JSON. */
function readValue(text: string, { type }: ClaimPlan): unknown {
  return type === 'string' ? text : readJson(text);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
