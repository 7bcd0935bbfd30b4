/** `request`: what the issuer would answer, compared with what the test expects. */
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../clock.ts';
import {
  isStepUpRequired,
  isWaybillError,
  type ErrorCode,
  type RequiredLogin,
  type WaybillError,
} from '../../errors.ts';
import { isSealedBy, type Actor, type Plan, type RequestFacts } from '../../graph/index.ts';
import { RequestClaimFault, dryRun, requestContext, type UnsignedToken } from '../../issuer/index.ts';
import { everyHopFits, planRequest } from '../../planning/index.ts';
import type { Contradiction, ExpectedToken, RequestRule } from './assertion.ts';

const HINT = 'Change the graph, or what the test expects.';

export function judgeRequest(plan: Plan, rule: RequestRule): readonly Contradiction[] {
  const { expect } = rule;
  const answer = ask(plan, rule);
  if ('error' in answer) {
    if (expect.error?.value === answer.error) return compareLogin(rule, answer.login);
    const wanted = expect.error ? `, not with ${expect.error.value}` : '';
    const message = `the request is refused with ${answer.error}${wanted}: ${answer.message}`;
    return [{ place: expect.error ?? rule, message, hint: HINT }];
  }
  const { root } = answer;
  if (expect.error) {
    const message = `the request is not refused with ${expect.error.value}; ${root.service} grants ${listed(root.scopes)}.`;
    return [{ place: expect.error, message, hint: HINT, call: root.calls[0] }];
  }
  const found: Contradiction[] = compareLogin(rule, root.stepUp?.login);
  if (expect.scope && !sameNames(expect.scope.names, root.scopes))
    found.push({
      place: expect.scope,
      message: `the granted scopes are ${listed(root.scopes)}, not ${listed(expect.scope.names)}.`,
      hint: HINT,
      call: root.calls[0],
    });
  for (const expected of expect.tokens) found.push(...compareToken(plan, root, expected));
  for (const path of expect.absent) {
    const token = tokenAt(root, path.value);
    if (typeof token === 'string') continue;
    const message = `there is a token at ${path.value}, with ${listed(token.scopes)}.`;
    found.push({ place: path, message, hint: HINT, call: token.calls[0] });
  }
  if (expect.exact) {
    const other = unexpected(root, new Set(expect.tokens.flatMap(({ path }) => pathsTo(path))));
    if (other)
      found.push({
        place: expect.exact,
        message: `there is another token, at ${other.path}, with ${listed(other.token.scopes)}.`,
        hint: HINT,
        call: other.token.calls[0],
      });
  }
  if (expect.fits && !fitsAtWorst(plan, rule))
    found.push({
      place: expect.fits,
      message: 'a token does not fit the header budget of its hop.',
      hint: `\`waybill plan --client ${rule.client}\` with these scopes shows which.`,
    });
  return found;
}

function fitsAtWorst(plan: Plan, rule: RequestRule): boolean {
  try {
    const request = { ...requestOf(rule), facts: factsOf(plan, rule), anyFacts: false };
    return everyHopFits(planRequest(plan, rule.client, request).root);
  } catch (error) {
    if (isWaybillError(error)) return false; // a tree that is too large to plan
    throw error;
  }
}

function factsOf(plan: Plan, rule: RequestRule): RequestFacts {
  const user = userOf(rule);
  const client = plan.clients.get(rule.client)!; // read-request.ts has checked it
  return {
    subject: user && { now: systemClock(), ...user },
    request: requestContext(plan, client, rule.request ?? {}),
    atSwap: true,
  };
}

function requestOf({ scopes, resource, request }: RequestRule) {
  const resources = resource === undefined ? [] : [resource];
  return { scopes, resources, request: request ?? {} };
}

type Answer =
  | { readonly root: UnsignedToken }
  | { readonly error: string; readonly message: string; readonly login: RequiredLogin | undefined };

/** Compared as a whole: a login that is asked for without `max_age` is another one. */
function compareLogin(
  { expect: { stepUp } }: RequestRule,
  login: RequiredLogin | undefined,
): Contradiction[] {
  if (!stepUp) return [];
  const actual = loginText(login?.acrValues?.join(' '), login?.maxAge);
  const wanted = loginText(stepUp.acrValues, stepUp.maxAge);
  if (login && actual === wanted) return [];
  const message = login
    ? `the login that is asked for is ${actual}, not ${wanted}.`
    : `no other login is asked for, not ${wanted}.`;
  return [{ place: stepUp, message, hint: HINT }];
}

function loginText(acrValues: string | undefined, maxAge: number | undefined): string {
  const parts = [
    ...(acrValues === undefined ? [] : [`acr_values: ${acrValues}`]),
    ...(maxAge === undefined ? [] : [`max_age: ${maxAge}`]),
  ];
  return parts.join(', ') || 'any other one';
}

function ask(plan: Plan, rule: RequestRule): Answer {
  const client = plan.clients.get(rule.client)!; // read-request.ts has checked it
  try {
    return { root: dryRun(plan, client, requestOf(rule), userOf(rule)) };
  } catch (error) {
    const login = isStepUpRequired(error) ? error : undefined;
    if (isWaybillError(error)) return { error: codeOf(error, rule), message: error.message, login };
    throw error;
  }
}

/** A user who shows the provider's token now. */
function userOf({ subject, loginAge }: RequestRule) {
  if (!subject || loginAge === undefined) return subject;
  const now = systemClock();
  return { ...subject, now, claims: { ...subject.claims, auth_time: now - loginAge } };
}

/** What a client says of its request has the errors of RFC 9396 section 5. */
function codeOf(error: WaybillError, { request }: RequestRule): ErrorCode {
  const isOfClient = error instanceof RequestClaimFault && error.setter === 'client';
  return isOfClient && request ? 'invalid_authorization_details' : error.code;
}

/** @returns the token, or why there is none. */
function tokenAt(root: UnsignedToken, path: string): UnsignedToken | string {
  const [entry, ...callees] = path.split('/');
  if (root.service !== entry) return `the entry is ${root.service}`;
  let token = root;
  for (const callee of callees) {
    try {
      const below = token.child(callee);
      if (!below) return `${token.service} with ${listed(token.scopes)} calls no ${callee} with a token`;
      token = below;
    } catch (error) {
      if (isWaybillError(error)) return error.message.replace(/\.$/, '');
      throw error;
    }
  }
  return token;
}

function compareToken(plan: Plan, root: UnsignedToken, expected: ExpectedToken): Contradiction[] {
  const token = tokenAt(root, expected.path);
  const differs = (message: string, call?: Contradiction['call']): Contradiction => ({
    place: expected,
    message: `${message}.`,
    hint: HINT,
    call,
  });
  if (typeof token === 'string') return [differs(`there is no token at ${expected.path}: ${token}`)];
  const [call] = token.calls;
  const { scopes, claimNames, claimValues, mode, isSealed, chain, lifetime } = expected;
  const found: Contradiction[] = [];
  const compare = (what: string, isEqual: boolean, actual: string, wanted: string): void => {
    if (!isEqual)
      found.push(differs(`${what} of the token at ${expected.path} is ${actual}, not ${wanted}`, call));
  };
  const names = [...token.claims.keys()];
  const actors = actorsOf(plan, token.actor);
  if (scopes) compare('`scopes`', sameNames(scopes, token.scopes), listed(token.scopes), listed(scopes));
  if (claimNames) compare('`claims`', sameNames(claimNames, names), listed(names), listed(claimNames));
  for (const [name, value] of Object.entries(claimValues ?? {})) {
    const actual = token.claims.get(name);
    const shown = actual === undefined ? 'absent' : JSON.stringify(actual);
    compare(`the claim ${name}`, isDeepStrictEqual(actual, value), shown, JSON.stringify(value));
  }
  if (mode !== undefined) compare('`mode`', mode === token.mode, token.mode, mode);
  const sealed = isSealedBy(token.calls);
  if (isSealed !== undefined) compare('`sealed`', isSealed === sealed, String(sealed), String(isSealed));
  if (chain) compare('`chain`', isDeepStrictEqual(chain, actors), listed(actors), listed(chain));
  if (lifetime !== undefined)
    compare('`lifetime`', lifetime === token.expiresIn, `${token.expiresIn}s`, `${lifetime}s`);
  return found;
}

/** Parties by name, the outermost first. */
function actorsOf({ services }: Plan, actor: Actor | undefined): string[] {
  const names = new Map(Array.from(services.values(), ({ identity, name }) => [identity, name]));
  const found: string[] = [];
  for (let each = actor; each; each = each.act) found.push(names.get(each.sub) ?? each.sub);
  return found;
}

/** `a/b/c`, and all above it. */
function pathsTo(path: string): string[] {
  const names = path.split('/');
  return names.map((_, last) => names.slice(0, last + 1).join('/'));
}

/** The first token that is not expected. Below it nothing is looked at, so cycles of exchanges end. */
function unexpected(
  root: UnsignedToken,
  expected: ReadonlySet<string>,
): { readonly path: string; readonly token: UnsignedToken } | undefined {
  const waiting = [{ path: root.service, token: root }];
  for (const { path, token } of waiting) {
    for (const callee of token.callees) {
      const below = tokenAt(token, `${token.service}/${callee}`);
      // One that is forwarded is no other token.
      if (typeof below === 'string' || below.mode === 'forward') continue;
      const at = { path: `${path}/${callee}`, token: below };
      if (!expected.has(at.path)) return at;
      waiting.push(at);
    }
  }
  return undefined;
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name) => others.includes(name));
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
