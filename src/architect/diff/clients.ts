/** Compares clients: what each may ask for, and in whose name. In: the authority of two graphs. Out: changes. */
import type { CallPlan, ClientPlan, ConditionPlan } from '../../graph/index.ts';
import { hasValue, type Askable, type Authority } from './authority.ts';
import {
  changedRights,
  changesOf,
  difference,
  inProse,
  namesOf,
  same,
  type Change,
  type Impact,
} from './change.ts';
import { compareConditions } from './conditions.ts';
import { compareEnds } from './ends.ts';
import { authChanges, introspections } from './services.ts';

export function compareClients(older: Authority, newer: Authority): Change[] {
  const changes: Change[] = [];
  for (const [name, after] of newer.plan.clients) {
    const before = older.plan.clients.get(name);
    if (before) changes.push(...compareClient(before, after, older, newer));
    else changes.push(addedOrRemoved(after, newer, 'widens'));
  }
  for (const [name, before] of older.plan.clients) {
    if (!newer.plan.clients.has(name)) changes.push(addedOrRemoved(before, older, 'narrows'));
  }
  return changes;
}

/** Neutral for a client that may neither ask for a scope nor introspect. */
function addedOrRemoved(client: ClientPlan, authority: Authority, mark: 'widens' | 'narrows'): Change {
  const asks = authority.askableBy(client.name).map(nameOf);
  const sees = namesOf(client.introspect);
  const rights = [
    ...(asks.length > 0 ? [`ask for ${inProse(asks)}`] : []),
    ...(sees.length > 0 ? [`introspect the tokens for ${inProse(sees)}`] : []),
  ];
  const may = rights.length === 0 ? 'could do nothing' : `may ${rights.join(' and ')}`;
  const what = mark === 'widens' ? `${client.name} is new, and ${may}` : `${client.name} is gone; it ${may}`;
  return changesOf('client', client)(rights.length === 0 ? 'neutral' : mark, 'scope', what);
}

function nameOf({ service, scope }: Askable): string {
  return `${service}:${scope}`;
}

function compareClient(before: ClientPlan, after: ClientPlan, older: Authority, newer: Authority): Change[] {
  const { name } = after;
  // For a client that may ask for nothing, changes of how it asks have no effect.
  const asks = [older, newer].every((authority) => authority.askableBy(name).length > 0);
  const asking = [
    ...compareOwnConditions(before, after, older, newer),
    ...compareCallEnds(before, after, older),
    ...compareSeals(before, after),
    ...compareForms(before, after),
    ...compareLives(before, after, older, newer),
    ...compareValues(before, after, older, newer),
    ...compareRights(before, after, older),
  ].map((change): Change => (asks ? change : { ...change, mark: 'neutral' }));
  const report = changesOf('client', after);
  return [
    ...compareAskable(before, after, older, newer),
    ...asking,
    ...introspections(report, before, after),
    ...authChanges(report, before, after, asks),
  ];
}

/** Grants, subjects and default scopes. */
function compareRights(before: ClientPlan, after: ClientPlan, older: Authority): Change[] {
  const { name } = after;
  const report = changesOf('client', after);
  const grants = [before.grants, after.grants] as const;
  const subjects = [namesOf(before.subjects), namesOf(after.subjects)] as const;
  const defaults = [defaultsOf(before, older), after.defaultScopes] as const;
  const may = (what: string) => (now: string, right: string) => `${name} may ${now} ${what} ${right}`;
  const gets = (now: string, scope: string): string => `${name} ${now} gets ${scope} without asking for it`;
  return [
    ...changedRights(report, 'grants', grants, may('use the grant')),
    ...changedRights(report, 'subjects', subjects, may('exchange the tokens of')),
    ...changedRights(report, 'default-scopes', defaults, gets),
  ];
}

/** By the names of the newer graph. */
function defaultsOf({ defaultScopes, calls }: ClientPlan, older: Authority): string[] {
  const names = new Map(
    calls.flatMap(({ scopes }) => scopes.map((scope) => [scope.name, older.nameOf(scope)] as const)),
  );
  return defaultScopes.map((name) => names.get(name) ?? name);
}

function compareAskable(before: ClientPlan, after: ClientPlan, older: Authority, newer: Authority): Change[] {
  const { added, removed } = difference(
    older.askableBy(before.name).map(nameOf),
    newer.askableBy(after.name).map(nameOf),
  );
  const change = (client: ClientPlan, of: Authority, mark: Impact, now: string, asked: string): Change => {
    const what = `${client.name} may ${now} ask for ${asked}`;
    return changesOf('client', client)(mark, 'scope', what, callFor(client, asked, of));
  };
  return [
    ...added.map((asked) => change(after, newer, 'widens', 'now', asked)),
    ...removed.map((asked) => change(before, older, 'narrows', 'no longer', asked)),
  ];
}

function callFor({ calls }: ClientPlan, asked: string, authority: Authority): CallPlan | undefined {
  return calls.find(({ callee, scopes }) =>
    authority.namesOf(scopes).some((name) => `${callee}:${name}` === asked),
  );
}

/** The conditions on what the client may ask for, by `service:scope`. */
function conditionsOf(
  { calls }: ClientPlan,
  authority: Authority,
): ReadonlyMap<string, readonly ConditionPlan[]> {
  const asked = calls.filter(({ mode }) => mode !== 'none');
  return new Map(
    asked.flatMap(({ callee, scopes, when }) =>
      scopes.map((scope) => {
        const held = when.filter((condition) => condition.scope === scope.name);
        return [`${callee}:${authority.nameOf(scope)}`, held.map(({ condition }) => condition)] as const;
      }),
    ),
  );
}

/** Of scopes that the client may ask for in both graphs. */
function compareOwnConditions(
  before: ClientPlan,
  after: ClientPlan,
  older: Authority,
  newer: Authority,
): Change[] {
  const conditions = conditionsOf(before, older);
  const report = changesOf('client', after);
  return [...conditionsOf(after, newer)].flatMap(([asked, now]) => {
    const earlier = conditions.get(asked);
    if (!earlier) return [];
    return compareConditions(earlier, now).map(({ mark, describe }) =>
      report(mark, 'condition', describe(asked, after.name), callFor(after, asked, newer)),
    );
  });
}

function compareCallEnds(before: ClientPlan, after: ClientPlan, older: Authority): Change[] {
  const report = changesOf('client', after);
  return after.calls.flatMap((call) => {
    const earlier = before.calls.find(({ callee }) => callee === call.callee);
    if (!earlier || earlier.mode === 'none' || call.mode === 'none') return [];
    const called = (each: CallPlan) => ({ scopes: each.scopes, calls: [each] });
    return compareEnds(called(earlier), called(call), older).map(({ mark, scopes, until }) => {
      const asked = inProse(scopes.map(({ name }) => `${call.callee}:${name}`));
      return report(mark, 'until', `${after.name} may ask for ${asked} ${until}`, call);
    });
  });
}

function compareSeals(before: ClientPlan, after: ClientPlan): Change[] {
  const report = changesOf('client', after);
  return after.calls.flatMap((call) => {
    const earlier = before.calls.find(({ callee }) => callee === call.callee);
    if (!earlier || earlier.mode === 'none' || call.mode === 'none' || earlier.seal === call.seal) return [];
    const what = `the tokens of ${after.name} for ${call.callee} are ${call.seal ? 'now' : 'no longer'} sealed`;
    return [report(call.seal ? 'narrows' : 'widens', 'seal', what, call)];
  });
}

/** Not said of each client where the issuer's own lifetime changed for all. */
function compareLives(before: ClientPlan, after: ClientPlan, older: Authority, newer: Authority): Change[] {
  const [was, is] = [before.lifetime, after.lifetime];
  const areIssuers = was === older.plan.issuer.lifetime && is === newer.plan.issuer.lifetime;
  if (was === is || areIssuers) return [];
  const what = `trees of ${after.name} live ${is} s, not ${was} s`;
  return [changesOf('client', after)(is > was ? 'widens' : 'narrows', 'lifetime', what)];
}

function compareForms(before: ClientPlan, after: ClientPlan): Change[] {
  const report = changesOf('client', after);
  const changes: Change[] = [];
  if (before.token !== after.token) {
    changes.push(
      after.token === 'opaque'
        ? report('narrows', 'token-form', `${after.name} now gets an opaque reference, not the token`)
        : report('widens', 'token-form', `${after.name} now gets the token itself, not an opaque reference`),
    );
  }
  if (before.boundTo !== after.boundTo) {
    changes.push(
      after.boundTo === undefined
        ? report('widens', 'binding', `the tokens of ${after.name} need no longer be bound to a key`)
        : report(
            before.boundTo === undefined ? 'narrows' : 'widens',
            'binding',
            `the tokens of ${after.name} are now bound to a ${after.boundTo === 'dpop' ? 'DPoP key' : 'certificate'}`,
          ),
    );
  }
  return changes;
}

/** Values of `from: client` claims that its tokens carry in both graphs. */
function compareValues(before: ClientPlan, after: ClientPlan, older: Authority, newer: Authority): Change[] {
  if (same([...before.claims], [...after.claims])) return [];
  const carried = carriedBy(after, newer);
  return [...carriedBy(before, older)].flatMap((claim): Change[] => {
    if (!carried.has(claim)) return [];
    const [was, is] = [before.claims.get(claim), after.claims.get(claim)];
    if (same(was, is)) return [];
    const what =
      is === undefined
        ? `the tokens of ${after.name} no longer carry a value of the claim ${claim}`
        : `the claim ${claim} of ${after.name} is ${JSON.stringify(is)}${was === undefined ? '' : `, not ${JSON.stringify(was)}`}`;
    return [changesOf('client', after)(is === undefined ? 'narrows' : 'widens', 'claim-value', what)];
  });
}

function carriedBy(client: ClientPlan, authority: Authority): ReadonlySet<string> {
  const carried = new Set<string>();
  for (const { body } of authority.reachedBy(client.name).tokens) {
    for (const { claim } of body.claims) {
      if ('from' in claim.source && claim.source.from === 'client') carried.add(claim.name);
    }
  }
  return carried;
}

/** The claims that some client's tokens name in both graphs, and have a value for in one of them. */
export function carriedClaims(older: Authority, newer: Authority): ReadonlySet<string> {
  const carried = new Set<string>();
  for (const [clientName, after] of newer.plan.clients) {
    const before = older.plan.clients.get(clientName);
    if (!before) continue;
    const had = older.reachedBy(clientName);
    for (const { key, body } of newer.reachedBy(clientName).tokens) {
      const earlier = older.tokens.get(key);
      if (!earlier || !had.has(earlier)) continue;
      for (const need of body.claims) {
        const { name } = need.claim;
        if (carried.has(name)) continue;
        const was = earlier.body.claims.find(({ claim }) => claim.name === name);
        if (was && (hasValue(need, after) || hasValue(was, before))) carried.add(name);
      }
    }
  }
  return carried;
}
