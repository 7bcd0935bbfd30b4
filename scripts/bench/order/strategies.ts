/** Four ways to have a token for the next call, and the graph that the issuer runs for each. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { dump, load } from 'js-yaml';
import { CLIENT, GRAPH } from '../online-boutique.ts';

export interface Strategy {
  readonly name: string;
  readonly says: string;
  /** Strategies with the same graph share an issuer. */
  readonly graph: GraphName;
  /** Of the token request. */
  readonly encoding: 'nested' | 'packed' | undefined;
  readonly isForwarded: boolean;
}

export type GraphName = 'forward' | 'exchange' | 'embed';

export const SCOPE = 'checkout';

export const STRATEGIES: readonly Strategy[] = [
  { name: 'forward', says: 'forward one token', graph: 'forward', encoding: undefined, isForwarded: true },
  {
    name: 'exchange',
    says: 'exchange at every hop',
    graph: 'exchange',
    encoding: undefined,
    isForwarded: false,
  },
  { name: 'nested', says: 'embed, nested', graph: 'embed', encoding: 'nested', isForwarded: false },
  { name: 'packed', says: 'embed, packed', graph: 'embed', encoding: 'packed', isForwarded: false },
];

/** What is written of a graph's services; the rest stays as it is. */
interface GraphText {
  readonly services: Readonly<Record<string, ServiceText>>;
}

interface ServiceText {
  readonly calls?: CallsText;
  readonly scopes: Readonly<Record<string, { readonly calls?: CallsText } | null>>;
}

type CallsText = Readonly<Record<string, readonly string[] | object>>;

/** @returns the file of each graph. @param folder where those that are not Online Boutique's own are written. */
export function writeGraphs(folder: string): Record<GraphName, string> {
  const files = {
    embed: GRAPH,
    exchange: path.join(folder, 'exchange.yaml'),
    forward: path.join(folder, 'forward.yaml'),
  };
  writeFileSync(files.exchange, dump(exchanging(load(readFileSync(GRAPH, 'utf8')) as GraphText)));
  writeFileSync(files.forward, FORWARDED);
  return files;
}

export function secretVariable(service: string): string {
  return `${service.toUpperCase()}_SECRET`;
}

/** Online Boutique with every call on demand, and an `auth` for every service that calls. */
function exchanging(graph: GraphText): GraphText {
  const services = Object.entries(graph.services).map(([name, service]) => {
    const scopes = Object.entries(service.scopes).map(([scope, body]) => [
      scope,
      body?.calls ? { ...body, calls: onDemand(body.calls) } : body,
    ]);
    const calls = scopes.some(([, body]) => (body as { calls?: CallsText } | null)?.calls !== undefined);
    const auth = { method: 'client_secret_basic', secret_env: secretVariable(name) };
    return [name, { ...service, ...(calls && { auth }), scopes: Object.fromEntries(scopes) as object }];
  });
  return { ...graph, services: Object.fromEntries(services) as GraphText['services'] };
}

function onDemand(calls: CallsText): CallsText {
  const entries = Object.entries(calls).map(([callee, call]) => [
    callee,
    Array.isArray(call) ? { scopes: call as readonly string[], mode: 'exchange' } : call,
  ]);
  return Object.fromEntries(entries) as CallsText;
}

/** One token for all services, with one audience that they share. */
const FORWARDED = `
waybill: 1
name: forwarded
issuer: { url: 'https://tokens.boutique.example', lifetime: 5m, signing: ES256 }
defaults: { audience: 'https://{name}.boutique.example', headers: { profile: envoy, reserve: 2KiB } }
clients:
  ${CLIENT}:
    auth: { method: client_secret_basic, secret_env: ${secretVariable(CLIENT)} }
    calls: { shop: [${SCOPE}] }
services:
  shop: { scopes: { ${SCOPE}: {} } }
`;
