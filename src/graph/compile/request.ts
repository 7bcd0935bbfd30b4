/**
 * Rule 1: what a client's request means. In: a client, the scopes and the resource that it asks for. Out: the
 * entry service and its scopes, or the OAuth error that says why not (RFC 6749 section 5.2, RFC 8707 section 2).
 */
import { getOrAdd } from '../../get-or-add.ts';
import { WaybillError } from '../../errors.ts';
import { claimAt } from '../claim-path.ts';
import { nameList } from '../name-list.ts';
import type { ClientPlan, Condition, Plan, ScopePlan, ServicePlan } from './plan.ts';
import { sortByDeclaration } from './walk.ts';

export interface TreeRequest {
  /** Scopes asked for; empty or absent: the client's `default_scopes`. */
  readonly scopes?: readonly string[];
  /** Audiences of entry services (RFC 8707). */
  readonly resources?: readonly string[];
  /** The claims of the subject's token; absent: the client asks for itself. */
  readonly subject?: Readonly<Record<string, unknown>>;
  /** Values of the claims of the request (`from: request`), by name, as the client sets them. Default: none. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Whether every condition on the subject is taken to be met: for planning, never for issuing. Default: false. */
  readonly anySubject?: boolean;
}

export interface ResolvedRequest {
  readonly client: ClientPlan;
  readonly service: ServicePlan;
  /** Granted, in the order of declaration. */
  readonly scopes: readonly ScopePlan[];
}

/** @throws WaybillError `invalid_scope` or `invalid_target` */
export function resolveRequest(plan: Plan, client: ClientPlan, request: TreeRequest): ResolvedRequest {
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
  const scopes = allowed(client, service, granted, request);
  return { client, service, scopes };
}

/** `when`: a scope that is not for this subject is dropped; what was granted, the answer says. */
function allowed(
  client: ClientPlan,
  service: ServicePlan,
  granted: readonly Owned[],
  { subject = {}, anySubject = false }: TreeRequest,
): readonly ScopePlan[] {
  const conditions = client.calls.filter((call) => call.service === service).flatMap((call) => call.when);
  const scopes = granted
    .map(({ scope }) => scope)
    .filter(
      ({ name }) =>
        anySubject || conditions.every((condition) => condition.scope !== name || meets(subject, condition)),
    );
  if (scopes.length === 0) {
    throw new WaybillError('invalid_scope', 'None of these scopes is granted to this subject.');
  }
  return sortByDeclaration(new Set(scopes));
}

function meets(subject: Readonly<Record<string, unknown>>, { path, values }: Condition): boolean {
  const held = [claimAt(subject, path)].flat();
  return held.some((value) => value !== undefined && values.includes(value));
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

interface Owned {
  readonly service: ServicePlan;
  readonly scope: ScopePlan;
}

/** What each client may ask for, by name, so that a request with very many scopes stays cheap. */
const owners = new WeakMap<ClientPlan, ReadonlyMap<string, readonly Owned[]>>();

function ownersOf(client: ClientPlan, name: string): readonly Owned[] {
  const byName = getOrAdd(owners, client, () => indexScopes(client));
  return byName.get(name) ?? [];
}

function indexScopes(client: ClientPlan): ReadonlyMap<string, readonly Owned[]> {
  const byName = new Map<string, Owned[]>();
  for (const { mode, service, scopes } of client.calls) {
    if (mode === 'none' || !service) continue;
    for (const scope of scopes) {
      getOrAdd(byName, scope.name, () => []).push({ service, scope });
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
  const known = client.calls.some((call) => call.mode !== 'none' && call.service?.audience === resource);
  if (!known) {
    throw new WaybillError(
      'invalid_target',
      `${client.name} calls no service whose audience is the \`resource\` that it names.`,
    );
  }
  const here = owned.filter(({ service }) => service.audience === resource);
  if (here.length === 0)
    throw new WaybillError('invalid_scope', 'None of these scopes belongs to the `resource`.');
  return here;
}
