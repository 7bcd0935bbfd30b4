/** Compares services that are in both graphs, apart from their scopes. In: the authority of two graphs. Out: changes. */
import type {
  AuthPlan,
  CallPlan,
  ConditionPlan,
  EncryptionPlan,
  Place,
  ServicePlan,
} from '../../graph/index.ts';
import type { Authority } from './authority.ts';
import {
  changedRights,
  changesOf,
  difference,
  inProse,
  namesOf,
  placeText,
  same,
  type Change,
  type Impact,
  type ReportChange,
} from './change.ts';
import { compareConditions } from './conditions.ts';
import type { Unchanged } from './unchanged.ts';

export function compareServices(older: Authority, newer: Authority, unchanged: Unchanged): Change[] {
  const changes: Change[] = [];
  for (const [name, after] of newer.plan.services) {
    if (unchanged.service(name)) continue;
    const before = older.plan.services.get(name);
    // A service that no request reaches can only introspect.
    const counts = older.services.has(name) && newer.services.has(name);
    if (before) changes.push(...compareService({ before, after, counts, older, newer }));
    else if (after.introspect.length > 0) changes.push(newGateway(after));
  }
  for (const [name, before] of older.plan.services) {
    if (newer.plan.services.has(name) || before.introspect.length === 0) continue;
    const what = `${name} is gone, and introspects nothing any more`;
    changes.push(changesOf('service', before)('narrows', 'introspect', what));
  }
  return changes;
}

interface Pair {
  readonly before: ServicePlan;
  readonly after: ServicePlan;
  /** Whether requests reach it in both graphs. */
  readonly counts: boolean;
  readonly older: Authority;
  readonly newer: Authority;
}

function compareService(pair: Pair): Change[] {
  const { before, after, counts } = pair;
  const { name } = after;
  const report = changesOf('service', after);
  const counted = (mark: Impact): Impact => (counts ? mark : 'neutral');
  const changes: Change[] = [];
  if (!same(before.audiences, after.audiences)) {
    const what = `${name} takes tokens for ${inProse(after.audiences)}, not ${inProse(before.audiences)}`;
    changes.push(report(counted(impactOf(before.audiences, after.audiences)), 'audience', what));
  }
  if (!same(before.identities, after.identities)) {
    const what = `${name} calls as ${inProse(after.identities)}, not as ${inProse(before.identities)}`;
    const presents = pair.older.presenters.has(name) && pair.newer.presenters.has(name);
    const mark = presents ? impactOf(before.identities, after.identities) : 'neutral';
    changes.push(report(counted(mark), 'identity', what));
  }
  if (before.caller !== after.caller) {
    const [mark, what] =
      after.caller === 'mtls'
        ? (['narrows', `${name} now checks who presents a token`] as const)
        : (['widens', `${name} no longer checks who presents a token`] as const);
    changes.push(report(counted(mark), 'caller', what));
  }
  if (before.accepts !== after.accepts) {
    const what = `${name} ${after.accepts === 'jwt' ? 'now' : 'no longer'} takes nothing but bare JWTs`;
    changes.push(report('neutral', 'accepts', what));
  }
  if (before.lineage !== after.lineage) {
    const [mark, what] =
      after.lineage === 'full'
        ? (['narrows', `a token for ${name} now names every party before it`] as const)
        : ([
            'widens',
            `a token for ${name} names its caller alone, no longer every party before it`,
          ] as const);
    changes.push(report(counted(mark), 'lineage', what));
  }
  if (before.namespace !== after.namespace) {
    const [was, is] = [before.namespace ?? 'none', after.namespace ?? 'none'];
    changes.push(report('neutral', 'namespace', `${name} has the namespace ${is}, not ${was}`));
  }
  changes.push(
    ...compareLife(pair),
    ...compareScopeLives(pair),
    ...compareThrough(pair),
    ...compareGuards(pair),
    ...compareOperations(before, after),
  );
  changes.push(...encryptionChanges(pair));
  changes.push(...introspections(report, before, after), ...authChanges(report, before, after, counts));
  return changes;
}

/** One name fewer narrows; any other change, the order included, gives tokens to someone else. */
function impactOf(before: readonly string[], after: readonly string[]): Impact {
  const { added } = difference(before, after);
  return added.length > 0 || before[0] !== after[0] ? 'widens' : 'narrows';
}

function compareLife({ before, after, counts, older, newer }: Pair): Change[] {
  if (before.lifetime === after.lifetime) return [];
  const [was, is] = [before.lifetime ?? Infinity, after.lifetime ?? Infinity];
  const matters = [older, newer].some((authority) => {
    const above = authority.longestAbove(after.name);
    return Math.min(was, above) !== Math.min(is, above);
  });
  const mark = !counts || !matters ? 'neutral' : is > was ? 'widens' : 'narrows';
  const what = `a token for ${after.name} lives ${seconds(after.lifetime)}, not ${seconds(before.lifetime)}`;
  return [changesOf('service', after)(mark, 'lifetime', what)];
}

/** A shorter life of a scope narrows, whatever its service says: it may end a token that has other scopes too. */
function compareScopeLives({ before, after, counts }: Pair): Change[] {
  return [...after.scopes.values()].flatMap((scope): Change[] => {
    const earlier = before.scopes.get(scope.name);
    if (!earlier || earlier.lifetime === scope.lifetime) return [];
    const [was, is] = [earlier.lifetime ?? Infinity, scope.lifetime ?? Infinity];
    const party = { kind: 'service', name: after.name } as const;
    const what = `a token with ${after.name}:${scope.name} lives ${seconds(scope.lifetime)}, not ${seconds(earlier.lifetime)}`;
    const mark = !counts ? 'neutral' : is > was ? 'widens' : 'narrows';
    return [{ mark, kind: 'lifetime', party, scopes: [scope.name], what, place: placeText(scope) }];
  });
}

function seconds(lifetime: number | undefined): string {
  return lifetime === undefined ? 'as long as the one above it' : `at most ${lifetime} s`;
}

/** Counts for exchanges of older tokens too, so it matters where every present chain has one of the parties. */
function compareThrough({ before, after, counts }: Pair): Change[] {
  return [...after.scopes.values()].flatMap((scope): Change[] => {
    const earlier = before.scopes.get(scope.name);
    const [was, is] = [earlier?.through, scope.through];
    if (!earlier || same(was && [...was].sort(), is && [...is].sort())) return [];
    const isNarrower = is !== undefined && (was === undefined || [...is].every((party) => was.has(party)));
    const parties = is ? `goes through ${inProse([...is])}` : 'may come from anywhere';
    return [
      {
        mark: !counts ? 'neutral' : isNarrower ? 'narrows' : 'widens',
        kind: 'through',
        party: { kind: 'service', name: after.name },
        scopes: [scope.name],
        what: `a chain of calls to ${after.name}:${scope.name} now ${parties}`,
        place: placeText(scope),
      },
    ];
  });
}

/** The conditions on every call into its scopes, and those of its own calls. */
function compareGuards({ before, after, counts, older, newer }: Pair): Change[] {
  const party = { kind: 'service', name: after.name } as const;
  const changesFor = (
    scopes: readonly string[] | undefined,
    place: Place,
    [was, is]: readonly [readonly ConditionPlan[], readonly ConditionPlan[]],
    asked: string,
    who?: string,
  ): Change[] =>
    compareConditions(was, is).map(({ mark, describe }) => ({
      mark: counts ? mark : 'neutral',
      kind: 'condition',
      party,
      ...(scopes ? { scopes } : {}),
      what: describe(asked, who),
      place: placeText(place),
    }));
  const ofCalls = (
    name: string,
    scopes: readonly string[] | undefined,
    calls: readonly [readonly CallPlan[], readonly CallPlan[]],
  ): Change[] =>
    guardedCalls(calls[1], newer).flatMap(({ asked, conditions, call }) => {
      const earlier = guardedCalls(calls[0], older).find((each) => each.asked === asked);
      return earlier ? changesFor(scopes, call, [earlier.conditions, conditions], asked, name) : [];
    });
  const own = [...after.scopes.values()].flatMap((scope): Change[] => {
    const earlier = [...before.scopes.values()].find((each) => older.nameOf(each) === scope.name);
    if (!earlier) return [];
    const name = `${after.name}:${scope.name}`;
    const guards = [earlier.when ? [earlier.when] : [], scope.when ? [scope.when] : []] as const;
    return [
      ...changesFor([scope.name], scope, guards, name),
      ...ofCalls(name, [scope.name], [earlier.calls, scope.calls]),
    ];
  });
  return [...ofCalls(after.name, undefined, [before.calls, after.calls]), ...own];
}

interface GuardedCall {
  /** `service:scope` */
  readonly asked: string;
  readonly conditions: readonly ConditionPlan[];
  readonly call: CallPlan;
}

function guardedCalls(calls: readonly CallPlan[], authority: Authority): GuardedCall[] {
  return calls.flatMap((call) =>
    call.scopes.map((scope) => ({
      asked: `${call.callee}:${authority.nameOf(scope)}`,
      conditions: call.when.flatMap((each) => (each.scope === scope.name ? [each.condition] : [])),
      call,
    })),
  );
}

/** Operations describe a scope; they change no token. */
function compareOperations(before: ServicePlan, after: ServicePlan): Change[] {
  return [...after.scopes.values()].flatMap((scope): Change[] => {
    const earlier = before.scopes.get(scope.name);
    if (!earlier) return [];
    const { added, removed } = difference(earlier.operations, scope.operations);
    const parts = [
      ...(added.length > 0 ? [`now covers ${inProse(added)}`] : []),
      ...(removed.length > 0 ? [`no longer covers ${inProse(removed)}`] : []),
    ];
    if (parts.length === 0) return [];
    const party = { kind: 'service', name: after.name } as const;
    const what = `${after.name}:${scope.name} ${parts.join(', and ')}`;
    return [
      { mark: 'neutral', kind: 'operations', party, scopes: [scope.name], what, place: placeText(scope) },
    ];
  });
}

/** For clients and services. */
export function introspections(
  report: ReportChange,
  before: Pick<ServicePlan, 'introspect'>,
  after: Pick<ServicePlan, 'introspect' | 'name'>,
): Change[] {
  const lists = [namesOf(before.introspect), namesOf(after.introspect)] as const;
  const sentence = (now: string, name: string): string =>
    `${after.name} may ${now} introspect and swap the root tokens for ${name}`;
  return changedRights(report, 'introspect', lists, sentence);
}

function newGateway(service: ServicePlan): Change {
  const names = inProse(namesOf(service.introspect));
  const what = `${service.name} is new, and may introspect the tokens for ${names}`;
  return changesOf('service', service)('widens', 'introspect', what);
}

/** For clients and services. A party with another key or secret counts as another party. @param isReached by requests. */
export function authChanges<Party extends Pick<ServicePlan, 'name' | 'introspect' | 'auth'>>(
  report: ReportChange,
  before: Party,
  after: Party,
  isReached: boolean,
): Change[] {
  const { name } = after;
  if (same(before.auth, after.auth)) return [];
  const counts = isReached || before.introspect.length > 0 || after.introspect.length > 0;
  const change = (mark: Impact, what: string): Change[] => [report(counts ? mark : 'neutral', 'auth', what)];
  if (!after.auth) return change('narrows', `${name} can no longer authenticate`);
  const [is, was] = [after.auth, before.auth];
  return was
    ? change('widens', `${name} authenticates by ${proofOf(is)}, not by ${proofOf(was)}`)
    : change('widens', `${name} can now authenticate (${is.method}), and so fetch and introspect`);
}

/** Whoever has the private half of another key could read what is sealed to the service. */
function encryptionChanges({ before, after, counts }: Pair): Change[] {
  if (same(before.encryption, after.encryption)) return [];
  const report = changesOf('service', after);
  if (!after.encryption)
    return [report('neutral', 'encryption', `${after.name} has no encryption keys any more`)];
  const is = keysOf(after.encryption);
  if (!before.encryption)
    return [report('neutral', 'encryption', `tokens for ${after.name} can now be sealed (${is})`)];
  const what = `what is sealed to ${after.name} is sealed to the keys of ${is}, not of ${keysOf(before.encryption)}`;
  return [report(counts ? 'widens' : 'neutral', 'encryption', what)];
}

function keysOf({ keys, alg }: EncryptionPlan): string {
  return [...Object.entries(keys).map(([key, value]) => `${key} ${value}`), ...(alg ? [alg] : [])].join(', ');
}

function proofOf(auth: AuthPlan): string {
  const source =
    'secret' in auth
      ? auth.secret
      : 'certificate' in auth
        ? { [auth.certificate.kind]: auth.certificate.value }
        : auth.keys;
  const id = 'spiffeId' in auth ? [auth.spiffeId, ...auth.otherIds] : [];
  const parts = [...id, ...Object.entries(source).map(([key, value]) => `${key} ${value}`)];
  return `${auth.method} (${parts.join(', ')})`;
}
