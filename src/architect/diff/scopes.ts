/**
 * Compares the tokens of each service, scope by scope. In: the authority of two graphs. Out: changes of claims, calls and
 * modes, each with the scopes that it affects.
 *
 * A change that no request can show is neutral: a call moved between two scopes that are always granted together, or a
 * claim for which no client has a value.
 */
import { getOrAdd } from '../../get-or-add.ts';
import type {
  Branch,
  CallPlan,
  ClaimNeed,
  ClientPlan,
  CallMode,
  Place,
  TokenBody,
} from '../../graph/index.ts';
import type { Authority, ReachableToken } from './authority.ts';
import { inProse, placeText, type Change, type ChangeKind, type Impact } from './change.ts';
import { compareEnds } from './ends.ts';
import type { Unchanged } from './unchanged.ts';

/** A change of one scope, before equal changes of several scopes become one. */
interface ScopeChange {
  readonly mark: Impact;
  readonly kind: ChangeKind;
  /** The sentence without its subject. */
  readonly what: string;
  readonly place: Place | undefined;
}

export function compareScopes(older: Authority, newer: Authority, unchanged: Unchanged): Change[] {
  const services = [...newer.services].filter((name) => older.services.has(name) && !unchanged.service(name));
  const visible = visiblyChanged(new Set(services), older, newer);
  return services.flatMap((service) => {
    const found = new Map<string, { change: ScopeChange; scopes: string[] }>();
    const scopes = reachedScopes(service, older, newer);
    for (const scope of scopes) {
      const before = older.bodyOf(service, scope);
      const after = newer.bodyOf(service, scope);
      if (!before || !after) continue;
      for (const change of compareTokens(before, after, older)) {
        const key = `${change.kind} ${change.what}`;
        const known = found.get(key) ?? { change, scopes: [] };
        known.scopes.push(scope);
        found.set(key, known);
      }
    }
    return [...found.values()].map(({ change: { mark, kind, what, place }, scopes: under }): Change => {
      const whole = under.length === scopes.length && scopes.length > 1;
      const subject = whole ? service : inProse(under.map((scope) => `${service}:${scope}`));
      return {
        mark: visible.has(service) ? mark : 'neutral',
        kind,
        party: { kind: 'service', name: service },
        ...(whole ? {} : { scopes: under }),
        what: `${subject} ${what}`,
        ...(place ? { place: placeText(place) } : {}),
      };
    });
  });
}

/** Scopes that issued tokens have in both graphs. */
function reachedScopes(service: string, older: Authority, newer: Authority): string[] {
  return [...(newer.plan.services.get(service)?.scopes.keys() ?? [])].filter((scope) => {
    const name = `${service}:${scope}`;
    return older.scopes.has(name) && newer.scopes.has(name);
  });
}

/** Those of the services with a token that changed, is new, or is gone for some client's requests. */
function visiblyChanged(
  services: ReadonlySet<string>,
  older: Authority,
  newer: Authority,
): ReadonlySet<string> {
  const changed = new Set<string>();
  const [earlierTokens, laterTokens] = [older, newer].map(({ tokens }) =>
    [...tokens.values()].filter(({ body }) => services.has(body.service.name)),
  ) as [ReachableToken[], ReachableToken[]];
  // Two clients that have values for the same claims see the same of a token.
  const verdicts = new Map<string, Map<ReachableToken, boolean>>();
  for (const [name, client] of newer.plan.clients) {
    const before = older.plan.clients.get(name);
    if (!before) continue;
    const [had, has] = [older.reachedBy(name), newer.reachedBy(name)];
    const known = getOrAdd(
      verdicts,
      `${valuesOf(before)}\n${valuesOf(client)}`,
      () => new Map<ReachableToken, boolean>(),
    );
    for (const token of laterTokens) {
      if (!has.has(token) || changed.has(token.body.service.name)) continue;
      const earlier = older.tokens.get(token.key);
      const isSame =
        earlier &&
        had.has(earlier) &&
        getOrAdd(
          known,
          token,
          () => older.factsOf(earlier.body, before) === newer.factsOf(token.body, client),
        );
      if (!isSame) changed.add(token.body.service.name);
    }
    for (const token of earlierTokens) {
      if (!had.has(token)) continue;
      const later = newer.tokens.get(token.key);
      if (!later || !has.has(later)) changed.add(token.body.service.name);
    }
  }
  return changed;
}

/** Equal for clients whose tokens have values for the same claims. */
function valuesOf({ claims, subjects }: ClientPlan): string {
  return [subjects.length > 0, ...[...claims.keys()].sort()].join(' ');
}

function compareTokens(before: TokenBody, after: TokenBody, older: Authority): ScopeChange[] {
  return [...compareClaims(before, after), ...compareCalls(before, after, older)];
}

function compareClaims(before: TokenBody, after: TokenBody): ScopeChange[] {
  const older = new Map(before.claims.map((need) => [need.claim.name, need]));
  const newer = new Map(after.claims.map((need) => [need.claim.name, need]));
  const changes: ScopeChange[] = [];
  for (const [name, need] of newer) {
    const earlier = older.get(name);
    const place = after.scopes[0] ?? after.service;
    if (!earlier)
      changes.push({
        mark: 'widens',
        kind: 'claim',
        what: `now carries the claim ${name}${orFails(need)}`,
        place,
      });
    else if (earlier.required !== need.required) {
      const what = need.required
        ? `now fails where the claim ${name} has no value`
        : `no longer fails where the claim ${name} has no value`;
      changes.push({ mark: need.required ? 'narrows' : 'widens', kind: 'claim-required', what, place });
    }
  }
  for (const name of older.keys()) {
    if (newer.has(name)) continue;
    const place = before.scopes[0] ?? before.service;
    changes.push({ mark: 'narrows', kind: 'claim', what: `no longer carries the claim ${name}`, place });
  }
  return changes;
}

function orFails({ required }: ClaimNeed): string {
  return required ? ', and fails without it' : '';
}

/** How much a mode reveals: a forward reveals the caller's own token, an embedded token can be read by all above. */
const GIVES: Readonly<Record<CallMode, number>> = { none: 0, exchange: 1, embed: 2, forward: 3 };

function compareCalls(before: TokenBody, after: TokenBody, authority: Authority): ScopeChange[] {
  const older = new Map(before.branches.map((branch) => [branch.callee, branch]));
  const newer = new Map(after.branches.map((branch) => [branch.callee, branch]));
  const changes: ScopeChange[] = [];
  for (const [callee, branch] of newer) {
    const earlier = older.get(callee);
    if (earlier) changes.push(...compareBranches(earlier, branch, authority));
    else changes.push(appeared(branch));
  }
  for (const [callee, branch] of older) if (!newer.has(callee)) changes.push(disappeared(branch));
  return changes;
}

function appeared({ callee, mode, scopes, calls }: Branch): ScopeChange {
  const [place] = calls;
  if (mode === 'none')
    return { mark: 'neutral', kind: 'call', what: `now calls ${callee} without a token`, place };
  const what = `now calls ${namesAt(callee, scopes)} (${mode})`;
  return { mark: 'widens', kind: 'call', what, place };
}

function disappeared({ callee, mode, scopes, calls }: Branch): ScopeChange {
  const [place] = calls;
  if (mode === 'none')
    return {
      mark: 'neutral',
      kind: 'call',
      what: `no longer calls ${callee} (it did without a token)`,
      place,
    };
  return { mark: 'narrows', kind: 'call', what: `no longer calls ${namesAt(callee, scopes)}`, place };
}

function compareBranches(before: Branch, after: Branch, older: Authority): ScopeChange[] {
  const { callee, mode } = after;
  const changes: ScopeChange[] = [];
  const place = after.calls[0];
  if (before.mode !== mode) {
    const mark = GIVES[mode] > GIVES[before.mode] ? 'widens' : 'narrows';
    changes.push({ mark, kind: 'mode', what: `now calls ${callee} by ${mode}, not ${before.mode}`, place });
  }
  if (before.seal !== after.seal && before.mode !== 'none' && mode !== 'none')
    changes.push({ ...sealChange(callee, after.seal), place });
  const had = before.mode === 'none' ? [] : older.namesOf(before.scopes);
  const has = mode === 'none' ? [] : after.scopes.map(({ name }) => name);
  const added = has.filter((name) => !had.includes(name));
  const removed = had.filter((name) => !has.includes(name));
  const places = (calls: readonly CallPlan[], names: readonly string[]): Place | undefined =>
    calls.find(({ scopes }) => older.namesOf(scopes).some((name) => names.includes(name))) ?? calls[0];
  if (added.length > 0 && before.mode !== 'none') {
    const what = `now asks ${callee} for ${inProse(added)}`;
    changes.push({ mark: 'widens', kind: 'scope', what, place: places(after.calls, added) });
  }
  if (removed.length > 0 && mode !== 'none') {
    const what = `no longer asks ${callee} for ${inProse(removed)}`;
    changes.push({ mark: 'narrows', kind: 'scope', what, place: places(before.calls, removed) });
  }
  if (before.mode !== 'none' && mode !== 'none')
    for (const { mark, scopes, until } of compareEnds(before, after, older))
      changes.push({
        mark,
        kind: 'until',
        what: `calls ${namesAt(callee, scopes)} ${until}`,
        place: places(
          after.calls,
          scopes.map(({ name }) => name),
        ),
      });
  return changes;
}

/** Whoever carries a sealed token cannot read it. */
function sealChange(callee: string, isSealed: boolean): Pick<ScopeChange, 'mark' | 'kind' | 'what'> {
  return isSealed
    ? { mark: 'narrows', kind: 'seal', what: `now seals the token for ${callee}` }
    : { mark: 'widens', kind: 'seal', what: `no longer seals the token for ${callee}` };
}

function namesAt(callee: string, scopes: readonly { readonly name: string }[]): string {
  return scopes.length === 0 ? callee : inProse(scopes.map(({ name }) => `${callee}:${name}`));
}
