/**
 * The rules of requests and trees, followed word for word over plain objects: slow, unshared, and written without a
 * look at the compiled plan, so that the two can be compared.
 */

export type CallMode = 'embed' | 'exchange' | 'forward' | 'none';

export interface RawCall {
  readonly scopes: readonly string[];
  readonly mode: CallMode;
}

/** By callee, in the order of declaration. */
export type RawCalls = Readonly<Record<string, RawCall>>;

export interface RawScope {
  readonly claims: readonly string[];
  readonly calls: RawCalls;
}

export interface RawService {
  readonly claims: readonly string[];
  readonly calls: RawCalls;
  readonly scopes: Readonly<Record<string, RawScope>>;
  readonly acceptsForward: readonly string[];
}

export interface RawClient {
  readonly calls: RawCalls;
  readonly defaultScopes: readonly string[];
}

/** Names of services and scopes begin with a letter: a JavaScript object keeps their order. */
export interface RawGraph {
  readonly ignoreScopes: readonly string[];
  readonly claims: readonly string[];
  readonly clients: Readonly<Record<string, RawClient>>;
  readonly services: Readonly<Record<string, RawService>>;
}

export const audienceOf = (service: string): string => `https://${service}.test`;
export const identityOf = (service: string): string => `spiffe://test/${service}`;

/** A token with all that stands below it, nothing shared. */
export interface NaiveToken {
  readonly service: string;
  readonly scope: string;
  readonly audience: string | readonly string[];
  readonly claims: readonly string[];
  readonly actor: string | undefined;
  readonly onDemand: readonly (readonly [callee: string, audience: string])[];
  readonly embedded: readonly (readonly [callee: string, token: NaiveToken])[];
  readonly tokens: number;
  readonly depth: number;
}

/** Rules 2 to 4. */
export function naiveToken(
  graph: RawGraph,
  name: string,
  asked: readonly string[],
  caller?: string,
): NaiveToken {
  const service = graph.services[name]!;
  const scopes = inDeclaredOrder(service, asked);
  const holders = [service, ...scopes.map((scope) => service.scopes[scope]!)];
  const callees = [...new Set(holders.flatMap((holder) => Object.keys(holder.calls)))];
  const merged = callees.map((callee) => {
    const calls = holders.flatMap((holder) => holder.calls[callee] ?? []);
    const union = new Set(calls.flatMap((call) => call.scopes));
    return { callee, mode: calls[0]!.mode, scopes: inDeclaredOrder(graph.services[callee], [...union]) };
  });
  const forwards = merged.filter(({ mode }) => mode === 'forward');
  const embedded = merged
    .filter(({ mode }) => mode === 'embed')
    .map(({ callee, scopes: below }) => [callee, naiveToken(graph, callee, below, name)] as const);
  const named = new Set(holders.flatMap((holder) => holder.claims).map((claim) => claim.replace('!', '')));
  return {
    service: name,
    scope: [...scopes, ...forwards.flatMap((forward) => forward.scopes)].join(' '),
    audience:
      forwards.length === 0
        ? audienceOf(name)
        : [audienceOf(name), ...forwards.map(({ callee }) => audienceOf(callee))],
    claims: graph.claims
      .filter((claim) => named.has(claim))
      .map((claim) => (holders.some((holder) => holder.claims.includes(`${claim}!`)) ? `${claim}!` : claim)),
    actor: caller === undefined ? undefined : identityOf(caller),
    onDemand: merged
      .filter(({ mode }) => mode === 'exchange')
      .map(({ callee }) => [callee, audienceOf(callee)] as const),
    embedded,
    tokens: 1 + embedded.reduce((sum, [, token]) => sum + token.tokens, 0),
    depth: 1 + Math.max(0, ...embedded.map(([, token]) => token.depth)),
  };
}

function inDeclaredOrder(service: RawService | undefined, scopes: readonly string[]): string[] {
  return Object.keys(service?.scopes ?? {}).filter((scope) => scopes.includes(scope));
}

export type Resolution =
  | { readonly service: string; readonly scopes: readonly string[] }
  | { readonly error: 'invalid_scope' | 'invalid_target' };

/** Rule 1. */
export function naiveResolve(
  graph: RawGraph,
  clientName: string,
  scopes: readonly string[],
  resources: readonly string[],
): Resolution {
  const client = graph.clients[clientName]!;
  const meant = scopes.filter((scope) => !graph.ignoreScopes.includes(scope));
  const asked = meant.length > 0 ? meant : client.defaultScopes;
  if (asked.length === 0) return { error: 'invalid_scope' };
  const entries = Object.entries(client.calls).filter(([, call]) => call.mode !== 'none');
  const owned = (scope: string): string[] =>
    entries.filter(([, call]) => call.scopes.includes(scope)).map(([service]) => service);
  if (asked.some((scope) => owned(scope).length === 0)) return { error: 'invalid_scope' };
  const named = [...new Set(resources)];
  if (named.length > 1) return { error: 'invalid_target' };
  let candidates = [...new Set(asked.flatMap(owned))];
  if (named.length === 1) {
    const service = entries.map(([name]) => name).find((name) => audienceOf(name) === named[0]);
    if (service === undefined) return { error: 'invalid_target' };
    if (!candidates.includes(service)) return { error: 'invalid_scope' };
    candidates = [service];
  }
  if (candidates.length > 1) return { error: 'invalid_target' };
  const [service = ''] = candidates;
  return {
    service,
    scopes: inDeclaredOrder(
      graph.services[service],
      asked.filter((scope) => owned(scope).includes(service)),
    ),
  };
}

/** The graph as an author would write it. */
export function inYaml(graph: RawGraph): string {
  const auth = '{ method: client_secret_basic, secret_env: S }';
  const calls = (raw: RawCalls): string =>
    `{ ${Object.entries(raw)
      .map(([callee, { scopes, mode }]) => {
        const list = `[${scopes.join(', ')}]`;
        if (mode === 'embed') return `${callee}: ${list}`;
        return `${callee}: { ${scopes.length > 0 ? `scopes: ${list}, ` : ''}mode: ${mode} }`;
      })
      .join(', ')} }`;
  const claims = (names: readonly string[]): string => `[${names.map((name) => `'${name}'`).join(', ')}]`;
  const lines = [
    'waybill: 1',
    'name: random',
    `issuer: { url: 'http://127.0.0.1:8080', limits: { tokens: 4096, depth: 64, nested: 16MiB }, ignore_scopes: [${graph.ignoreScopes.join(', ')}] }`,
    `defaults: { audience: '${audienceOf('{name}')}', identity: '${identityOf('{name}')}', headers: { max_total: 16MiB } }`,
    'claims:',
    ...graph.claims.map((claim) => `  ${claim}: { from: client, max_bytes: 20 }`),
    'clients:',
  ];
  for (const [name, client] of Object.entries(graph.clients)) {
    lines.push(`  ${name}:`, `    auth: ${auth}`, `    calls: ${calls(client.calls)}`);
    lines.push(`    claims: { ${graph.claims.map((claim) => `${claim}: of ${name}`).join(', ')} }`);
    if (client.defaultScopes.length > 0)
      lines.push(`    default_scopes: [${client.defaultScopes.join(', ')}]`);
  }
  lines.push('services:');
  for (const [name, service] of Object.entries(graph.services)) {
    lines.push(`  ${name}:`, `    auth: ${auth}`, `    calls: ${calls(service.calls)}`);
    lines.push(
      `    claims: ${claims(service.claims)}`,
      `    accepts_forward: [${service.acceptsForward.join(', ')}]`,
    );
    lines.push('    scopes:');
    for (const [scope, rule] of Object.entries(service.scopes))
      lines.push(`      ${scope}: { claims: ${claims(rule.claims)}, calls: ${calls(rule.calls)} }`);
  }
  return `${lines.join('\n')}\n`;
}
