/**
 * What a graph says about a token, worked out from its YAML alone: a second opinion on rules 2 to 4 that shares no
 * line with the compiler.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';

type Yaml = Record<string, never>;
interface RawCall {
  scopes?: string[];
  mode?: string;
}
interface RawNode {
  calls?: Record<string, string[] | RawCall>;
  claims?: string[] | Record<string, unknown>;
  scopes?: Record<string, RawNode | null>;
  audience?: string;
  identity?: string;
  lifetime?: string;
  default_scopes?: string[];
}
interface RawGraph {
  vars?: Record<string, string>;
  issuer?: { url: string; lifetime?: string; signing?: string };
  defaults?: { audience?: string; identity?: string };
  claims?: Record<string, { from?: string; path?: string; value?: unknown }>;
  clients?: Record<string, RawNode>;
  services?: Record<string, RawNode>;
}

/** What one token must say. */
export interface ExpectedToken {
  readonly path: readonly string[];
  readonly aud: string | readonly string[];
  readonly scope: readonly string[];
  readonly actor: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly onDemand: Readonly<Record<string, string>>;
  readonly callees: readonly string[];
}

export class DeclaredTokens {
  readonly issuer: { readonly url: string; readonly lifetime: number; readonly signing: string };
  readonly clients: Readonly<Record<string, RawNode>>;
  readonly #graph: RawGraph;

  /** @param at a graph file, or a folder of them. */
  constructor(at: string) {
    const files = statSync(at).isDirectory() ? readdirSync(at).map((name) => path.join(at, name)) : [at];
    const raw = files.sort().map((file) => load(readFileSync(file, 'utf8')) as Yaml);
    const vars = Object.assign({}, ...raw.map((part) => part['vars'])) as Record<string, string>;
    const filled = raw.map((part) => fill({ ...part, vars: undefined as never }, vars) as RawGraph);
    this.#graph = {
      ...Object.assign({}, ...filled),
      clients: Object.assign({}, ...filled.map((part) => part.clients)),
      services: Object.assign({}, ...filled.map((part) => part.services)),
    };
    const { url, lifetime = '5m', signing = 'ES256' } = this.#graph.issuer as RawGraph['issuer'] & object;
    this.issuer = { url, lifetime: seconds(lifetime), signing };
    this.clients = this.#graph.clients ?? {};
  }

  /** The tokens of one request, in pre-order. */
  tree(client: string, entry: string, asked: readonly string[]): ExpectedToken[] {
    return this.#tokens([], entry, new Set(asked), client, undefined);
  }

  /** Entries of a client: the service, and the scopes that the client may ask of it. */
  entries(client: string): { service: string; scopes: string[] }[] {
    return callsOf(this.clients[client]).map(({ callee, scopes }) => ({ service: callee, scopes }));
  }

  audience(service: string): string {
    return this.#named(service, 'audience');
  }

  /** Seconds that a token for this service lives at most, after its issuer's bound. */
  lifetime(service: string): number {
    const own = this.#service(service).lifetime;
    return Math.min(this.issuer.lifetime, own === undefined ? Infinity : seconds(own));
  }

  #tokens(
    at: readonly string[],
    service: string,
    scopes: ReadonlySet<string>,
    client: string,
    caller: string | undefined,
  ): ExpectedToken[] {
    const node = this.#service(service);
    const own = Object.entries(node.scopes ?? {}).filter(([name]) => scopes.has(name));
    const parts = [node, ...own.map(([, scope]) => scope ?? {})];
    const merged = new Map<string, { mode: string; scopes: Set<string> }>();
    for (const call of parts.flatMap(callsOf)) {
      const earlier = merged.get(call.callee) ?? { mode: call.mode, scopes: new Set() };
      for (const scope of call.scopes) earlier.scopes.add(scope);
      merged.set(call.callee, earlier);
    }
    const withMode = (mode: string) => [...merged].filter(([, call]) => call.mode === mode);
    const forwards = withMode('forward');
    const aud = [service, ...forwards.map(([callee]) => callee)].map((name) => this.audience(name));
    const embedded = withMode('embed');
    const token: ExpectedToken = {
      path: at,
      aud: aud.length === 1 ? (aud[0] as string) : aud,
      scope: [
        ...own.map(([name]) => name),
        ...forwards.flatMap(([callee, call]) => this.#byDeclaration(callee, call.scopes)),
      ],
      actor: caller === undefined ? undefined : this.#named(caller, 'identity'),
      claims: this.#claims(parts, client),
      onDemand: Object.fromEntries(withMode('exchange').map(([callee]) => [callee, this.audience(callee)])),
      callees: embedded.map(([callee]) => callee),
    };
    return [
      token,
      ...embedded.flatMap(([callee, call]) =>
        this.#tokens([...at, callee], callee, call.scopes, client, service),
      ),
    ];
  }

  #claims(parts: readonly RawNode[], client: string): Record<string, unknown> {
    const needed = new Set(
      parts.flatMap((part) => (part.claims ?? []) as string[]).map((name) => name.replace('!', '')),
    );
    const values = (this.clients[client]?.claims ?? {}) as Record<string, unknown>;
    const declared = Object.entries(this.#graph.claims ?? {}).filter(([name]) => needed.has(name));
    const filled = declared.map(([name, { value, path: source = name }]) => [name, value ?? values[source]]);
    return Object.fromEntries(filled.filter(([, value]) => value !== undefined)) as Record<string, unknown>;
  }

  #byDeclaration(service: string, scopes: ReadonlySet<string>): string[] {
    return Object.keys(this.#service(service).scopes ?? {}).filter((name) => scopes.has(name));
  }

  #named(service: string, key: 'audience' | 'identity'): string {
    const text = this.#service(service)[key] ?? this.#graph.defaults?.[key]?.replaceAll('{name}', service);
    return text ?? service;
  }

  #service(name: string): RawNode {
    const service = this.#graph.services?.[name];
    if (service === undefined) throw new Error(`the graph has no service ${name}`);
    return service;
  }
}

function callsOf(node: RawNode | undefined): { callee: string; scopes: string[]; mode: string }[] {
  return Object.entries(node?.calls ?? {}).map(([callee, call]) =>
    Array.isArray(call)
      ? { callee, scopes: call, mode: 'embed' }
      : { callee, scopes: call.scopes ?? [], mode: call.mode ?? 'embed' },
  );
}

function fill(value: unknown, vars: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return value.replace(/\$\{(\w+)\}/g, (_, name: string) => vars[name] ?? '');
  if (Array.isArray(value)) return value.map((item) => fill(item, vars));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, vars)]));
}

function seconds(text: string | number): number {
  if (typeof text === 'number') return text;
  const [, digits, unit = 's'] = /^(\d+) ?([smhd]?)$/.exec(text) ?? [];
  return Number(digits) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit || 's'] ?? 1);
}
