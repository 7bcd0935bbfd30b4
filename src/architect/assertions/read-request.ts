/** Reads a test of one request: what the client asks for, for whom, and what it should get. */
import {
  Fields,
  checkKnown,
  conjunctsOfRequest,
  didYouMean,
  subjectPaths,
  textsOf,
  toValue,
  type At,
  type ClaimPlan,
  type Findings,
  type Place,
  type Plan,
} from '../../graph/index.ts';
import type { ExpectedToken, Expectation, RequestRule, SubjectValues } from './assertion.ts';

/** What a refused request has nothing of. */
const OF_GRANTED = ['scope', 'tokens', 'absent', 'exact', 'fits'] as const;

export function readRequest(
  rule: Fields,
  expect: Fields,
  plan: Plan,
  findings: Findings,
): RequestRule | undefined {
  const client = rule.text('client');
  if (!client || !rule.node) return undefined;
  checkKnown('unknown-caller', 'client', client, plan.clients, findings);
  const { source, offset } = rule.node;
  return {
    source,
    offset,
    form: 'request',
    client: client.value,
    scopes: (rule.text('scope')?.value ?? '').split(/\s+/).filter((scope) => scope !== ''),
    resource: rule.text('resource')?.value,
    subject: readUser(rule, plan, findings),
    loginAge: rule.below('auth').number('age'),
    request: rule.has('request') ? readContext(rule.below('request'), plan, findings) : undefined,
    expect: readExpectation(expect, plan, findings),
  };
}

/** Values are judged as the issuer judges them; only names can be mistyped. */
function readContext(context: Fields, { claims }: Plan, findings: Findings): Record<string, unknown> {
  const known = [...claims.values()].filter(({ source }) => 'setBy' in source).map(({ name }) => name);
  return Object.fromEntries(
    context.entries().map(([name, { key, value }]) => {
      if (!known.includes(name)) {
        const hint = () => didYouMean(name, known) || 'Declare it under `claims` with `from: request`.';
        findings.add('unknown-claim', key, `No claim of the request has the name ${name}.`, hint);
      }
      return [name, toValue(value)];
    }),
  );
}

function notYet(place: Place, what: string, findings: Findings): void {
  const hint = 'Take it out; nothing here is ever silently ignored.';
  findings.add('not-yet', place, `${what} in a test is not implemented yet.`, hint);
}

/** A login is of a user: what it says stands in the provider's token. */
function readUser(rule: Fields, plan: Plan, findings: Findings): SubjectValues | undefined {
  const [subject, auth] = [rule.at('subject'), rule.at('auth')];
  if (!subject) {
    if (auth) findings.add('invalid-value', auth, '`auth` is of a user.', 'Add `subject`, or take it out.');
    return undefined;
  }
  const user = readSubject(rule.below('subject'), plan, findings);
  const acr = rule.below('auth').text('acr')?.value;
  return acr === undefined ? user : { ...user, claims: { ...user.claims, acr } };
}

/** Claims are named as the graph names them, and handed on as the provider does. */
function readSubject(subject: Fields, plan: Plan, findings: Findings): SubjectValues {
  const provider = subject.text('provider');
  if (provider) checkKnown('unknown-subject', 'provider', provider, plan.subjects, findings);
  const known = claimsOf(plan);
  const conditions = [...plan.clients.values()].flatMap(({ calls }) => conjunctsOfRequest(plan, calls));
  const compared = subjectPaths(conditions);
  const claims: Record<string, unknown> = {};
  for (const [name, { key, value }] of subject.entries()) {
    if (name === 'provider' || name === 'sub') continue;
    const source = known.get(name)?.source;
    if (source && 'from' in source && source.from === 'subject') claims[source.path] = toValue(value);
    else if (compared.has(name)) claims[name] = toValue(value);
    else reportClaim(key, source !== undefined, [...known.keys(), ...compared], findings);
  }
  return { provider: provider?.value ?? '', sub: subject.text('sub')?.value ?? 'user', claims };
}

function reportClaim(key: At<string>, isKnown: boolean, known: readonly string[], findings: Findings): void {
  const { value: name } = key;
  if (isKnown) {
    const hint = 'Take it out: the graph has its value, or the client has.';
    findings.add('invalid-value', key, `The claim ${name} is not one of the user.`, hint);
    return;
  }
  const hint = () =>
    didYouMean(name, known) || 'Only claims that a token or a condition uses make a difference.';
  findings.add('unknown-claim', key, `No service, no scope and no condition names the claim ${name}.`, hint);
}

/** The claims that some token can carry. */
export function claimsOf({ services }: Plan): ReadonlyMap<string, ClaimPlan> {
  const found = new Map<string, ClaimPlan>();
  for (const service of services.values())
    for (const { claims } of [service, ...service.scopes.values()])
      for (const { claim } of claims) found.set(claim.name, claim);
  return found;
}

function readExpectation(expect: Fields, plan: Plan, findings: Findings): Expectation {
  const error = expect.text('error');
  const other = error && OF_GRANTED.find((key) => expect.has(key));
  if (other) {
    const hint = 'Make two tests of it.';
    findings.add('invalid-value', error, `A refused request has no \`${other}\`.`, hint);
  }
  const absent = expect.texts('absent');
  for (const path of absent) checkPath(path, plan, findings);
  const scope = expect.at('scope');
  return {
    error,
    stepUp: readStepUp(expect, error, findings),
    scope: scope && { ...at(scope), names: namesIn(expect, 'scope') },
    tokens: expect.entries('tokens').map(([path, { key, value }]) => {
      checkPath(key, plan, findings);
      return readToken(path, key, new Fields(value), plan, findings);
    }),
    absent,
    exact: expect.at('exact'),
    fits: expect.at('fits'),
  };
}

/** Beside the token in `step_up`; of the error `insufficient_user_authentication`, in the same members as the answer has. */
function readStepUp(
  expect: Fields,
  error: At<string> | undefined,
  findings: Findings,
): Expectation['stepUp'] {
  const given = expect.at('step_up');
  const ofError = expect.at('acr_values') ?? expect.at('max_age');
  if (given && error)
    findings.add(
      'invalid-value',
      given,
      'A refused request has no `step_up`.',
      'Write `acr_values` and `max_age` beside `error`.',
    );
  if (ofError && !error)
    findings.add(
      'invalid-value',
      ofError,
      '`acr_values` and `max_age` are of an error.',
      'Write `step_up: { … }`.',
    );
  const at = given ?? ofError;
  if (!at) return undefined;
  const login = given ? new Fields(given) : expect;
  return {
    source: at.source,
    offset: at.offset,
    acrValues: login.text('acr_values')?.value,
    maxAge: login.number('max_age'),
  };
}

function readToken(path: string, key: Place, token: Fields, plan: Plan, findings: Findings): ExpectedToken {
  const mode = token.text('mode');
  if (mode?.value === 'async') notYet(mode, '`mode: async`', findings);
  const claims = token.at('claims');
  const isList = claims?.kind === 'list';
  const claimNames = isList ? namesIn(token, 'claims') : undefined;
  const claimValues = claims && !isList ? (toValue(claims) as Record<string, unknown>) : undefined;
  const known = claimsOf(plan);
  for (const name of claimNames ?? Object.keys(claimValues ?? {}))
    if (!known.has(name))
      findings.add('unknown-claim', claims, `No service and no scope names the claim ${name}.`, () =>
        didYouMean(name, known.keys()),
      );
  return {
    ...at(key),
    path,
    scopes: token.has('scopes') ? namesIn(token, 'scopes') : undefined,
    claimNames,
    claimValues,
    mode: mode?.value,
    isSealed: token.flag('sealed'),
    chain: token.has('chain') ? namesIn(token, 'chain') : undefined,
    lifetime: token.seconds('lifetime'),
  };
}

function checkPath(path: At<string>, plan: Plan, findings: Findings): void {
  for (const value of path.value.split('/'))
    checkKnown('unknown-service', 'service', { ...path, value }, plan.services, findings);
}

function namesIn(fields: Fields, key: string): string[] {
  return textsOf(fields.list(key)).map(({ value }) => value);
}

function at({ source, offset }: Place): Place {
  return { source, offset };
}
