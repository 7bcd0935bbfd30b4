/**
 * A graph of `graphs/` as its author wrote it. Read here with nothing but a YAML parser, so that a mistake in
 * Waybill's own loader cannot hide a mistake in a graph.
 */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

type RawCalls = Record<string, readonly string[] | { scopes?: readonly string[]; mode?: string }>;

interface RawNode {
  calls?: RawCalls;
  operations?: readonly string[];
  scopes?: Record<string, RawNode>;
}

interface RawGraph {
  issuer: { ignore_scopes?: readonly string[] };
  clients: Record<string, RawNode>;
  services: Record<string, RawNode>;
}

export interface DeclaredCall {
  readonly to: string;
  readonly scopes: readonly string[];
  /** `none` issues no token: a broker, a store, a foreign API. */
  readonly mode: string;
}

export interface DeclaredScope {
  readonly name: string;
  readonly operations: readonly string[];
  /** The scope's own calls and those of its service. */
  readonly calls: readonly DeclaredCall[];
}

export interface DeclaredNode {
  readonly name: string;
  readonly calls: readonly DeclaredCall[];
  readonly scopes: readonly DeclaredScope[];
}

export interface DeclaredGraph {
  readonly ignoredScopes: readonly string[];
  readonly clients: ReadonlyMap<string, DeclaredNode>;
  readonly services: ReadonlyMap<string, DeclaredNode>;
}

export function readGraph(name: string): DeclaredGraph {
  return parseGraph(new URL(`../../graphs/${name}.yaml`, import.meta.url));
}

export function parseGraph(file: URL): DeclaredGraph {
  const raw = load(readFileSync(file, 'utf8')) as RawGraph;
  return {
    ignoredScopes: raw.issuer.ignore_scopes ?? [],
    clients: nodes(raw.clients),
    services: nodes(raw.services),
  };
}

function nodes(raw: Record<string, RawNode>): ReadonlyMap<string, DeclaredNode> {
  return new Map(Object.entries(raw).map(([name, node]) => [name, declaredNode(name, node)]));
}

function declaredNode(name: string, raw: RawNode): DeclaredNode {
  const calls = declaredCalls(raw.calls);
  const scopes = Object.entries(raw.scopes ?? {}).map(([scope, { operations = [], calls: own }]) => ({
    name: scope,
    operations,
    calls: [...calls, ...declaredCalls(own)],
  }));
  return { name, calls, scopes };
}

function declaredCalls(raw: RawCalls = {}): DeclaredCall[] {
  return Object.entries(raw).map(([to, call]) => {
    if (Array.isArray(call)) return { to, scopes: call as readonly string[], mode: 'embed' };
    const { scopes = [], mode = 'embed' } = call as { scopes?: readonly string[]; mode?: string };
    return { to, scopes, mode };
  });
}

/** Calls for which a token is made. */
export function issuing(calls: readonly DeclaredCall[]): readonly DeclaredCall[] {
  return calls.filter((call) => call.mode !== 'none');
}

/** @returns Operations of `to` that a call to it with these scopes may use. */
export function operationsOf(graph: DeclaredGraph, call: DeclaredCall): readonly string[] {
  const scopes = graph.services.get(call.to)?.scopes ?? [];
  return scopes.filter((scope) => call.scopes.includes(scope.name)).flatMap((scope) => scope.operations);
}
