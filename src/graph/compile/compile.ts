/**
 * From a declaration to a frozen plan. Where the rules found names that nothing declares, what uses them is left out:
 * nobody issues from such a plan, and the rest of it can still be checked.
 */
import { parseSpiffeId } from '../../identity/index.ts';
import type { Lineage } from '../../protocol.ts';
import type * as Declared from '../declare/declaration.ts';
import { conditionsOf, type Conditions } from '../conditions/compile.ts';
import { selectorText } from '../declare/selectors.ts';
import type { Place } from '../finding.ts';
import { defaultBound } from './claim-values.ts';
import { isSealed } from '../declare/encryption.ts';
import type {
  AuthPlan,
  CallPlan,
  EncryptionPlan,
  ClaimNeed,
  ClaimPlan,
  ClientPlan,
  Plan,
  ScopePlan,
  ServicePlan,
  SubjectPlan,
} from './plan.ts';

/** While compiling, calls are filled in after every service exists. */
type Unfinished<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Empty lists are shared: a large graph has tens of thousands. */
const NO_CALLS: readonly CallPlan[] = [];
const NO_SERVICES: readonly ServicePlan[] = [];
const NO_NEEDS: readonly ClaimNeed[] = [];

/** @returns nothing where the graph has no issuer. */
export function compile(graph: Declared.GraphDeclaration): Plan | undefined {
  const { issuer } = graph;
  if (!issuer) return undefined;
  const claims = compileClaims(graph);
  const conditions = conditionsOf(graph);
  const subjects = new Map(
    [...graph.subjects.values()].map((subject) => [subject.name, compileSubject(subject)]),
  );
  const services = new Map<string, ServicePlan>();
  for (const declared of graph.services.values())
    services.set(declared.name, compileService(declared, graph, claims));
  for (const declared of graph.services.values()) {
    const service = services.get(declared.name) as Unfinished<ServicePlan>;
    service.introspect = named(declared.introspect, services);
    service.calls = compileCalls(declared.calls, services, conditions, graph);
    for (const { name, calls } of declared.scopes.values()) {
      const scope = service.scopes.get(name) as Unfinished<ScopePlan>;
      scope.calls = compileCalls(calls, services, conditions, graph);
    }
  }
  const clients = new Map(
    [...graph.clients.values()].flatMap((client): [string, ClientPlan][] => {
      const auth = client.auth && compileAuth(client.auth);
      return auth
        ? [[client.name, compileClient(client, auth, graph, subjects, services, claims, conditions)]]
        : [];
    }),
  );
  const { url, lifetime, reuse, signing, encoding, limits, overflow, ignoreScopes, contextType } = issuer;
  const plan: Plan = {
    name: graph.name,
    digest: graph.digest,
    issuer: {
      url: url.value,
      lifetime,
      reuse: reuse?.value,
      signing: signing.value,
      encoding,
      limits,
      overflow,
      ignoreScopes: new Set(ignoreScopes.map((scope) => scope.value)),
      contextType,
    },
    owners: graph.owners && new Map([...graph.owners].map(([name, { paths }]) => [name, valuesOf(paths)])),
    zones: new Map(
      [...graph.zones].map(([name, { external, owners }]) => [
        name,
        { name, external, owners: owners && valuesOf(owners) },
      ]),
    ),
    claims,
    subjects,
    clients,
    services,
    selectors: graph.selectors.map(({ selector, party, scope, names }) => {
      const { list, source, offset } = selector;
      return { list, party, scope, text: selectorText(selector), names, source, offset };
    }),
  };
  return freezePlan(plan);
}

function valuesOf(texts: readonly Declared.At<string>[]): readonly string[] {
  return texts.map(({ value }) => value);
}

function compileSubject(declared: Declared.SubjectDeclaration): SubjectPlan {
  const { name, issuer, jwksUri, audience, prefix, algorithms, subMaxBytes } = declared;
  const { tokenTypes, authorizedParties, act, acr } = declared;
  return {
    name,
    issuer: issuer.value,
    jwksUri: jwksUri?.value,
    audience,
    prefix: prefix === '' ? '' : `${prefix}:`,
    algorithms,
    subMaxBytes,
    tokenTypes,
    authorizedParties,
    act,
    acr: acr && new Map([...acr].map(([level, values]) => [level, values.map(({ value }) => value)])),
  };
}

function compileClaims(graph: Declared.GraphDeclaration): ReadonlyMap<string, ClaimPlan> {
  return new Map(
    [...graph.claims.values()].map((claim, index) => {
      const { name, type } = claim;
      const zones = claim.zones && new Set(claim.zones.map((zone) => zone.value));
      const values = claim.values?.map(({ value }) => value);
      const compiled: ClaimPlan = {
        ...{ name, index, zones, values },
        source: sourceOfClaim(claim),
        type: type?.value ?? 'any',
        maxBytes: claim.maxBytes ?? defaultBound(claim),
      };
      return [name, compiled];
    }),
  );
}

function sourceOfClaim({ from, name, path, value, setBy }: Declared.ClaimDeclaration): ClaimPlan['source'] {
  if (from === undefined) return { value };
  return from === 'request' ? { from, setBy: setBy?.value ?? 'client' } : { from, path: path?.value ?? name };
}

function compileService(
  declared: Declared.ServiceDeclaration,
  graph: Declared.GraphDeclaration,
  claims: ReadonlyMap<string, ClaimPlan>,
): ServicePlan {
  const scopes = new Map<string, ScopePlan>();
  for (const scope of declared.scopes.values()) {
    scopes.set(scope.name, {
      source: scope.source,
      offset: scope.offset,
      name: scope.name,
      index: scopes.size,
      description: scope.description,
      claims: compileNeeds(scope.claims, claims),
      operations: scope.operations,
      lifetime: scope.lifetime,
      callers: scope.callers && new Set(valuesOf(scope.callers)),
      through: throughOf(scope, graph),
      when: scope.when && conditionsOf(graph).compile(scope.when),
      calls: NO_CALLS,
    });
  }
  const audiences = valuesOf(declared.audiences);
  const [identity = declared.name, ...also] = valuesOf(declared.identities);
  return {
    source: declared.source,
    offset: declared.offset,
    name: declared.name,
    owner: declared.owner?.value,
    namespace: declared.namespace,
    labels: declared.labels,
    audience: audiences[0]!,
    audiences,
    identity,
    identities: [identity, ...also],
    actor: Object.freeze(
      also.length === 0 ? { sub: identity } : { sub: identity, also: Object.freeze(also) },
    ),
    lineage: lineageOf(declared, graph),
    zone: declared.zone?.value,
    zoneVia: (declared.zone && graph.zones.get(declared.zone.value)?.via) ?? [],
    headers: declared.headers,
    lifetime: declared.lifetime,
    caller: declared.caller,
    auth: declared.auth && compileAuth(declared.auth, [identity, ...also]),
    encryption: declared.encryption && compileEncryption(declared.encryption),
    accepts: declared.accepts,
    introspect: NO_SERVICES,
    claims: compileNeeds(declared.claims, claims),
    calls: NO_CALLS,
    scopes,
  };
}

/** By the names that stand in a chain; one from before may name another identity first. */
function throughOf(
  { through }: Declared.ScopeDeclaration,
  { services }: Declared.GraphDeclaration,
): ScopePlan['through'] {
  return (
    through &&
    new Set(
      through.flatMap(({ value }) => {
        const party = services.get(value);
        return party ? valuesOf(party.identities) : value;
      }),
    )
  );
}

/** Others learn nothing of the mesh unless the graph says so: an external zone has the caller alone. */
export function lineageOf(
  { lineage, zone }: Declared.ServiceDeclaration,
  graph: Declared.GraphDeclaration,
): Lineage {
  if (lineage) return lineage;
  const isExternal = zone !== undefined && graph.zones.get(zone.value)?.external === true;
  return isExternal ? 'caller' : (graph.issuer?.lineage ?? 'caller');
}

function compileClient(
  declared: Declared.ClientDeclaration,
  auth: AuthPlan,
  graph: Declared.GraphDeclaration,
  subjects: ReadonlyMap<string, SubjectPlan>,
  services: ReadonlyMap<string, ServicePlan>,
  claims: ReadonlyMap<string, ClaimPlan>,
  conditions: Conditions,
): ClientPlan {
  const values = [...claims.values()].flatMap((claim): [string, unknown][] => {
    const given =
      'from' in claim.source && claim.source.from === 'client'
        ? declared.claims.get(claim.source.path)
        : undefined;
    return given && given.value !== null ? [[claim.name, given.value]] : [];
  });
  return {
    ...at(declared),
    name: declared.name,
    auth,
    grants: new Set(declared.grants),
    subjects: [...new Set(declared.subjects.flatMap((name) => subjects.get(name.value) ?? []))],
    token: declared.token,
    boundTo: declared.bindings[0]?.value,
    zone: declared.zone?.value,
    owner: declared.owner?.value,
    labels: declared.labels,
    introspect: named(declared.introspect, services),
    defaultScopes: declared.defaultScopes.map((scope) => scope.value),
    lifetime: Math.min(graph.issuer?.lifetime ?? Infinity, declared.lifetime ?? Infinity),
    claims: new Map(values),
    calls: compileCalls(declared.calls, services, conditions, graph),
  };
}

function named(
  names: readonly Declared.At<string>[],
  services: ReadonlyMap<string, ServicePlan>,
): readonly ServicePlan[] {
  if (names.length === 0) return NO_SERVICES;
  return [...new Set(names.flatMap((name) => services.get(name.value) ?? []))];
}

/** @param identities of a party: the first is the SPIFFE ID of one that names none. */
function compileAuth(
  auth: Declared.AuthDeclaration,
  identities: readonly string[] = [],
): AuthPlan | undefined {
  const { secretEnv, secretFile, jwksFile, jwksUri, bundleFile, spiffeId } = auth;
  const method = auth.method.value;
  switch (method) {
    case 'client_secret_basic':
    case 'client_secret_post': {
      const secret = sourceOf(secretEnv && { env: secretEnv }, secretFile && { file: secretFile });
      return secret && { method, secret };
    }
    case 'private_key_jwt': {
      const keys = sourceOf(jwksFile && { file: jwksFile }, jwksUri && { uri: jwksUri.value });
      return keys && { method, keys };
    }
    case 'tls_client_auth': {
      const [certificate] = auth.certificateNames;
      return certificate && { method, certificate };
    }
    case 'self_signed_tls_client_auth':
      return jwksFile ? { method, keys: { file: jwksFile } } : undefined;
    case 'spiffe_x509':
    case 'spiffe_jwt': {
      const id = spiffeId?.value ?? identities[0];
      if (!id || !bundleFile) return undefined;
      return { method, spiffeId: id, otherIds: otherIds(id, identities), keys: { file: bundleFile } };
    }
    default:
      return undefined;
  }
}

function compileEncryption({
  jwksFile,
  jwksUri,
  alg,
}: Declared.EncryptionDeclaration): EncryptionPlan | undefined {
  const keys = sourceOf(jwksFile && { file: jwksFile }, jwksUri && { uri: jwksUri.value });
  return keys && { keys, alg };
}

/** A party with several identities authenticates as each that the bundle can vouch for. */
function otherIds(id: string, identities: readonly string[]): readonly string[] {
  if (identities.length < 2) return [];
  const domain = parseSpiffeId(id)?.trustDomain;
  return identities.filter((other) => other !== id && parseSpiffeId(other)?.trustDomain === domain);
}

/** The first that is given; the rules have said so where it is not the only one. */
function sourceOf<First extends object, Second extends object>(
  first: First | '' | undefined,
  second: Second | '' | undefined,
): First | Second | undefined {
  return first || second || undefined;
}

function compileNeeds(
  uses: readonly Declared.ClaimUse[],
  claims: ReadonlyMap<string, ClaimPlan>,
): readonly ClaimNeed[] {
  if (uses.length === 0) return NO_NEEDS;
  const needs: ClaimNeed[] = [];
  for (const { name, required, source, offset } of uses) {
    const claim = claims.get(name);
    if (claim) needs.push({ claim, required, at: { source, offset } });
  }
  return needs;
}

const NO_CONDITIONS: CallPlan['when'] = [];

function compileCalls(
  calls: readonly Declared.CallDeclaration[],
  services: ReadonlyMap<string, ServicePlan>,
  conditions: Conditions,
  graph: Declared.GraphDeclaration,
): readonly CallPlan[] {
  if (calls.length === 0) return NO_CALLS;
  const compiled: CallPlan[] = [];
  for (const call of calls) {
    const { source, offset, callee, scopes: names, mode, probability, via, until, when } = call;
    const service = services.get(callee.value);
    const scopes: ScopePlan[] = [];
    for (const { value } of names) {
      const scope = service?.scopes.get(value);
      if (scope) scopes.push(scope);
    }
    if (mode !== 'none' && scopes.length === 0) continue;
    compiled.push({
      source,
      offset,
      callee: callee.value,
      service,
      scopes,
      mode,
      seal: mode !== 'none' && isSealed(call, graph.services.get(callee.value)),
      probability,
      via,
      until: until?.value,
      when: when.length === 0 ? NO_CONDITIONS : compileConditions(when, scopes, conditions),
    });
  }
  return compiled;
}

function compileConditions(
  when: readonly Declared.CallCondition[],
  scopes: readonly ScopePlan[],
  conditions: Conditions,
): CallPlan['when'] {
  return when.flatMap(({ scope, condition: declared }) => {
    const condition = conditions.compile(declared);
    const names = scope ? [scope.value] : scopes.map(({ name }) => name);
    return condition ? names.map((name) => ({ scope: name, condition })) : [];
  });
}

function at({ source, offset }: Place): Place {
  return { source, offset };
}

/** Freezes the plan's own objects; a Map's content is out of reach of `Object.freeze`, its type forbids writing. */
export function freezePlan(plan: Plan): Plan {
  for (const claim of plan.claims.values()) Object.freeze(claim);
  for (const client of plan.clients.values()) Object.freeze(client);
  for (const service of plan.services.values()) {
    for (const scope of service.scopes.values()) Object.freeze(scope);
    Object.freeze(service);
  }
  return Object.freeze(plan);
}
