/** Compares services that are in both graphs, apart from their scopes. In: the authority of two graphs. Out: changes. */
import type { AuthPlan, ServicePlan } from '../../graph/index.ts';
import type { Authority } from './authority.ts';
import {
  changedRights,
  changesOf,
  difference,
  inProse,
  placeText,
  same,
  type Change,
  type Impact,
  type ReportChange,
} from './change.ts';

export function compareServices(older: Authority, newer: Authority): Change[] {
  const changes: Change[] = [];
  for (const [name, after] of newer.plan.services) {
    const before = older.plan.services.get(name);
    // A service that no request reaches can only introspect.
    const counts = older.services.has(name) && newer.services.has(name);
    if (before) changes.push(...compareService({ before, after, counts, older, newer }));
    else if (after.introspect.length > 0) changes.push(newGateway(after));
  }
  for (const [name, before] of older.plan.services) {
    if (newer.plan.services.has(name) || before.introspect.length === 0) continue;
    changes.push(
      changesOf('service', before)(
        'narrows',
        'introspect',
        `${name} is gone, and introspects nothing any more`,
      ),
    );
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
  if (before.audience !== after.audience) {
    const what = `${name} takes tokens for ${after.audience}, not ${before.audience}`;
    changes.push(report(counted('widens'), 'audience', what));
  }
  if (before.identity !== after.identity) {
    const what = `${name} calls as ${after.identity}, not as ${before.identity}`;
    const mark = pair.older.presenters.has(name) && pair.newer.presenters.has(name) ? 'widens' : 'neutral';
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
  if (before.namespace !== after.namespace) {
    const [was, is] = [before.namespace ?? 'none', after.namespace ?? 'none'];
    changes.push(report('neutral', 'namespace', `${name} has the namespace ${is}, not ${was}`));
  }
  changes.push(...compareLife(pair), ...compareOperations(before, after));
  changes.push(...introspections(report, before, after));
  const acts = counts || before.introspect.length > 0 || after.introspect.length > 0;
  const auth = authChange(before.auth, after.auth, name);
  if (auth) changes.push(report(acts ? auth.mark : 'neutral', 'auth', auth.what));
  return changes;
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

function seconds(lifetime: number | undefined): string {
  return lifetime === undefined ? 'as long as the one above it' : `at most ${lifetime} s`;
}

/** Operations describe a scope; they change no token. */
function compareOperations(before: ServicePlan, after: ServicePlan): Change[] {
  return [...after.scopes.values()].flatMap((scope): Change[] => {
    const earlier = before.scopes.get(scope.name);
    if (!earlier || same(earlier.operations, scope.operations)) return [];
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
  const [older, newer] = [before, after].map(({ introspect }) => introspect.map(({ name }) => name));
  return changedRights(
    report,
    'introspect',
    [older ?? [], newer ?? []],
    (now, name) => `${after.name} may ${now} introspect and swap the root tokens for ${name}`,
  );
}

function newGateway(service: ServicePlan): Change {
  const names = inProse(service.introspect.map(({ name }) => name));
  return changesOf('service', service)(
    'widens',
    'introspect',
    `${service.name} is new, and may introspect the tokens for ${names}`,
  );
}

/** A party with another key or secret counts as another party. */
export function authChange(
  before: AuthPlan | undefined,
  after: AuthPlan | undefined,
  name: string,
): { readonly mark: Impact; readonly what: string } | undefined {
  if (same(before, after)) return undefined;
  if (!after) return { mark: 'narrows', what: `${name} can no longer authenticate` };
  if (!before)
    return {
      mark: 'widens',
      what: `${name} can now authenticate (${after.method}), and so fetch and introspect`,
    };
  return { mark: 'widens', what: `${name} authenticates by ${proofOf(after)}, not by ${proofOf(before)}` };
}

function proofOf(auth: AuthPlan): string {
  const source =
    'secret' in auth
      ? auth.secret
      : 'certificate' in auth
        ? { [auth.certificate.kind]: auth.certificate.value }
        : auth.keys;
  const id = 'spiffeId' in auth ? [auth.spiffeId] : [];
  const parts = [...id, ...Object.entries(source).map(([key, value]) => `${key} ${value}`)];
  return `${auth.method} (${parts.join(', ')})`;
}
