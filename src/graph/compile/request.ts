/**
 * Rule 1: what a client's request means. In: a client, the scopes and the resource that it asks for. Out: the
 * entry service and its scopes, or the OAuth error that says why not (RFC 6749 section 5.2, RFC 8707 section 2).
 */
import { getOrAdd } from '../../get-or-add.ts';
import { StepUpRequired, WaybillError } from '../../errors.ts';
import { decide, readsGateway } from '../conditions/decide.ts';
import type { Decision } from '../conditions/decision.ts';
import { factValues, type RequestFacts } from '../conditions/facts.ts';
import { decidedLogins, knownLogins } from '../conditions/step-up.ts';
import { nameList } from '../name-list.ts';
import { conjunctsOfRequest, hasConditions } from './conjuncts.ts';
import type { ClientPlan, Plan, ScopePlan, ServicePlan, SubjectPlan } from './plan.ts';
import { sortByDeclaration } from './walk.ts';
import { stepUpFor, type GuardedScope, type StepUp, type Withholding } from './withheld.ts';

export interface TreeRequest {
  /** Scopes asked for; empty or absent: the client's `default_scopes`. */
  readonly scopes?: readonly string[];
  /** Audiences of entry services (RFC 8707). */
  readonly resources?: readonly string[];
  /** Values of the claims of the request (`from: request`), by name, as the client sets them. Default: none. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** What is known of the user and of the request. Default: the client asks for itself, and says nothing more. */
  readonly facts?: RequestFacts;
  /** Whether every condition is taken to hold: for planning, never for issuing. Default: false. */
  readonly anyFacts?: boolean;
}

export interface ResolvedRequest {
  readonly client: ClientPlan;
  readonly service: ServicePlan;
  /** Granted, in the order of declaration. */
  readonly scopes: readonly ScopePlan[];
  /** On the conditions of the whole tree; absent where there are none, or all are taken to hold. */
  readonly decision: Decision | undefined;
  /** How it was decided; absent where `decision` is. */
  readonly withholding: Withholding | undefined;
  /** Scopes that the client asked for and that another login would give, or more of the tree below them. */
  readonly stepUp: StepUp | undefined;
}

/**
 * @param decided on the conditions, where that was done before. Absent: they are decided by the facts of the request.
 * @throws WaybillError `invalid_scope` or `invalid_target`; `insufficient_user_authentication` where another login would do
 */
export function resolveRequest(
  plan: Plan,
  client: ClientPlan,
  request: TreeRequest,
  decided?: Decision,
): ResolvedRequest {
  const asked = askedScopes(plan, client, request.scopes ?? []);
  const owned = asked.map((name) => ownersOf(client, name));
  const unknown = asked.filter((_name, index) => owned[index]?.length === 0);
  if (unknown.length > 0) {
    throw new WaybillError(
      'invalid_scope',
      `${client.name} may not ask for: ${nameList(unknown)}. It may ask for: ${callable(client).join(' ')}.`,
    );
  }
  const resources = new Set(request.resources ?? []);
  if (resources.size > 1) {
    throw new WaybillError('invalid_target', 'One tree has one entry: name one `resource` (RFC 8707).');
  }
  const [resource] = resources;
  const granted = resource === undefined ? owned.flat() : atResource(client, resource, owned.flat());
  const [service, ...others] = new Set(granted.map(({ service: owner }) => owner));
  if (!service || others.length > 0) {
    const names = [service, ...others]
      .flatMap((entry) => entry ?? [])
      .map((entry) => entry.audience)
      .join(' or ');
    throw new WaybillError(
      'invalid_target',
      `These scopes belong to several services; name one as \`resource\`: ${names} (RFC 8707).`,
    );
  }
  const decision = decisionOn(plan, client, granted, request, decided);
  if (!decision)
    return {
      client,
      service,
      scopes: scopesOf(granted),
      decision,
      withholding: undefined,
      stepUp: undefined,
    };
  const isGiven = ({ call, scope }: Owned) => decision.allows(call, scope);
  const given = granted.filter(isGiven);
  const dropped = granted.filter((each) => !isGiven(each));
  const withholding = withheldBy(plan, client, request, decision, decided !== undefined);
  const stepUp = stepUpFor(given, dropped, withholding);
  if (given.length > 0) return { client, service, scopes: scopesOf(given), decision, withholding, stepUp };
  if (stepUp && stepUp.scopes.length === new Set(dropped.map(({ scope }) => scope.name)).size)
    throw new StepUpRequired(NONE_GRANTED, stepUp.login);
  throw new WaybillError('invalid_scope', NONE_GRANTED);
}

const NONE_GRANTED = 'None of these scopes is granted to this subject.';

/** @returns nothing where there are no conditions, or all are taken to hold. */
function decisionOn(
  plan: Plan,
  client: ClientPlan,
  granted: readonly Owned[],
  { facts = {}, anyFacts = false }: TreeRequest,
  decided: Decision | undefined,
): Decision | undefined {
  if (anyFacts || !hasConditions(plan)) return undefined;
  if (decided) return decided;
  const [calls, scopes] = [granted.map(({ call }) => call), granted.map(({ scope }) => scope)];
  const conjuncts = conjunctsOfRequest(plan, calls, scopes);
  const isLater = client.token === 'opaque' && !facts.atSwap ? readsGateway : undefined;
  return decide(conjuncts, factValues(plan, client, facts), providerOf(plan, facts), isLater);
}

function withheldBy(
  plan: Plan,
  client: ClientPlan,
  { facts = {} }: TreeRequest,
  decision: Decision,
  isDecided: boolean,
): Withholding {
  const logins = isDecided ? decidedLogins(decision) : knownLogins(factValues(plan, client, facts));
  return { provider: providerOf(plan, facts), decision, logins };
}

function providerOf({ subjects }: Plan, { subject }: RequestFacts): SubjectPlan | undefined {
  return subject && subjects.get(subject.provider);
}

function scopesOf(owned: readonly Owned[]): readonly ScopePlan[] {
  return sortByDeclaration(new Set(owned.map(({ scope }) => scope)));
}

function askedScopes(plan: Plan, client: ClientPlan, scopes: readonly string[]): readonly string[] {
  const asked = [...new Set(scopes)].filter((name) => !plan.issuer.ignoreScopes.has(name));
  if (asked.length > 0) return asked;
  if (client.defaultScopes.length > 0) return client.defaultScopes;
  throw new WaybillError(
    'invalid_scope',
    `No scope was asked for, and ${client.name} has no default. It may ask for: ${callable(client).join(' ')}.`,
  );
}

interface Owned extends GuardedScope {
  readonly service: ServicePlan;
}

/** What each client may ask for, by name, so that a request with very many scopes stays cheap. */
const owners = new WeakMap<ClientPlan, ReadonlyMap<string, readonly Owned[]>>();

function ownersOf(client: ClientPlan, name: string): readonly Owned[] {
  const byName = getOrAdd(owners, client, () => indexScopes(client));
  return byName.get(name) ?? [];
}

function indexScopes(client: ClientPlan): ReadonlyMap<string, readonly Owned[]> {
  const byName = new Map<string, Owned[]>();
  for (const call of client.calls) {
    const { mode, service, scopes } = call;
    if (mode === 'none' || !service) continue;
    for (const scope of scopes) {
      getOrAdd(byName, scope.name, () => []).push({ service, call, scope });
    }
  }
  return byName;
}

function callable(client: ClientPlan): string[] {
  return [
    ...new Set(
      client.calls
        .filter((call) => call.mode !== 'none')
        .flatMap((call) => call.scopes.map((scope) => scope.name)),
    ),
  ];
}

function atResource(client: ClientPlan, resource: string, owned: readonly Owned[]): Owned[] {
  const known = client.calls.some(
    (call) => call.mode !== 'none' && call.service?.audiences.includes(resource),
  );
  if (!known) {
    throw new WaybillError(
      'invalid_target',
      `${client.name} calls no service whose audience is the \`resource\` that it names.`,
    );
  }
  const here = owned.filter(({ service }) => service.audiences.includes(resource));
  if (here.length === 0)
    throw new WaybillError('invalid_scope', 'None of these scopes belongs to the `resource`.');
  return here;
}
