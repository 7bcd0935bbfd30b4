/**
 * Whether two graphs declare the same thing alike: all but where it is declared, and what is for people alone. In: two
 * plans' parts. The tables have every key of a plan, so that a new one does not compile until it has its place here.
 */
import type {
  CallPlan,
  ClaimNeed,
  ClaimPlan,
  ClientPlan,
  ConditionPlan,
  HopDeclaration,
  IssuerPlan,
  Place,
  ScopePlan,
  ServicePlan,
} from '../../graph/index.ts';
import { same } from './change.ts';

type Test<Type> = (older: Type, newer: Type) => boolean;
/** Where it is declared does not count. */
type Compared<Type> = Exclude<keyof Type, Type extends Place ? keyof Place : never>;
type Tests<Type> = { readonly [Key in Compared<Type>]-?: Test<Type[Key]> };

export interface SamePlans {
  readonly issuer: Test<IssuerPlan>;
  /** All but its calls. */
  readonly client: Test<ClientPlan>;
  readonly service: Test<ServicePlan>;
  readonly calls: Test<readonly CallPlan[]>;
  readonly claims: Test<readonly ClaimPlan[]>;
  readonly scopes: Test<readonly ScopePlan[]>;
}

/** @param nameOf the name that an older scope has in the newer graph. */
export function samePlans(nameOf: (older: ScopePlan) => string): SamePlans {
  const scopes = listOf<ScopePlan>((older, newer) => nameOf(older) === newer.name);
  const claims = listOf(claim);
  const needs = listOf<ClaimNeed>(whole({ at: any, required: equal, claim }));
  const calls = listOf<CallPlan>(
    whole({
      ...{ callee: equal, mode: equal, seal: equal, probability: equal },
      service: (older, newer) => (older === undefined) === (newer === undefined),
      scopes,
      via: hops,
      until: equal,
      when: listOf(
        (older, newer) => older.scope === newer.scope && condition(older.condition, newer.condition),
      ),
    }),
  );
  const declaredScopes = listOf<ScopePlan>(
    whole({
      ...{ description: any, index: any },
      name: any, // with the names of all
      claims: needs,
      operations: listOf(equal),
      lifetime: equal,
      callers: sameNames,
      through: sameNames,
      when: condition,
      calls,
    }),
  );
  const service = whole<ServicePlan>({
    ...{ owner: any, labels: any },
    ...{ name: equal, namespace: equal, audience: equal, identity: equal, zone: equal },
    ...{ lifetime: equal, caller: equal, accepts: equal, lineage: equal },
    actor: same,
    audiences: same,
    identities: same,
    zoneVia: hops,
    headers: (older, newer) => hop(older, newer) && same(older?.reserve, newer?.reserve),
    auth: same,
    encryption: same,
    introspect: names,
    claims: needs,
    calls,
    scopes: (older, newer) => {
      const [had, has] = [[...older.values()], [...newer.values()]];
      return scopes(had, has) && declaredScopes(had, has);
    },
  });
  const client = whole<ClientPlan>({
    ...{ calls: any, owner: any, labels: any },
    ...{ name: equal, token: equal, boundTo: equal, zone: equal, lifetime: equal },
    auth: same,
    grants: sets,
    subjects: same,
    introspect: names,
    defaultScopes: listOf(equal),
    claims: (older, newer) => same([...older], [...newer]),
  });
  return { issuer, client, service, calls, claims, scopes };
}

const issuer = whole<IssuerPlan>({
  ...{ url: equal, lifetime: equal, reuse: equal, signing: equal, encoding: equal, overflow: equal },
  limits: same,
  ignoreScopes: sets,
  contextType: equal,
});

const claim = whole<ClaimPlan>({
  name: equal,
  index: any, // a token has its claims in the order of the whole graph, whatever their numbers
  source: same,
  maxBytes: equal,
  type: equal,
  values: same,
  zones: (older, newer) => same(older && [...older], newer && [...newer]),
});

/** However it is written. */
function condition(older: ConditionPlan | undefined, newer: ConditionPlan | undefined): boolean {
  const ids = (plan: ConditionPlan | undefined) => plan?.conjuncts.map(({ id }) => id).sort();
  return same(ids(older), ids(newer));
}

/** @returns whether all tests hold. */
function whole<Type extends object>(tests: Tests<Type>): Test<Type> {
  const all = Object.entries(tests) as [keyof Type, Test<unknown>][];
  return (older, newer) => older === newer || all.every(([key, test]) => test(older[key], newer[key]));
}

function listOf<Type>(test: Test<Type>): Test<readonly Type[]> {
  return (older, newer) => older.length === newer.length && older.every((each, at) => test(each, newer[at]!));
}

const hops = listOf<HopDeclaration>(hop);

function hop(older: HopDeclaration | undefined, newer: HopDeclaration | undefined): boolean {
  return (
    older?.profile === newer?.profile &&
    older?.maxLine === newer?.maxLine &&
    older?.maxTotal === newer?.maxTotal
  );
}

function names(older: readonly { readonly name: string }[], newer: typeof older): boolean {
  return older.length === newer.length && older.every(({ name }, at) => name === newer[at]!.name);
}

/** In any order. */
function sameNames(older: ReadonlySet<string> | undefined, newer: ReadonlySet<string> | undefined): boolean {
  return same(older && [...older].sort(), newer && [...newer].sort());
}

function sets(older: ReadonlySet<string>, newer: ReadonlySet<string>): boolean {
  return same([...older], [...newer]);
}

function equal(older: unknown, newer: unknown): boolean {
  return older === newer;
}

/** For what changes nothing that is issued. */
function any(): boolean {
  return true;
}
