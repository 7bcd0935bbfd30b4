/** Prepares a folder of inputs before anything is measured: graphs, and tokens for the extractors. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { GRAPH } from '../bench/online-boutique.ts';
import { writeGraphs } from '../bench/order/strategies.ts';
import { writeGraph } from '../bench/scale/graphs.ts';

const SERVICES = 1_000;

export interface Inputs {
  /** Online Boutique, which embeds. */
  readonly embedding: string;
  /** The same with every call on demand. */
  readonly exchanging: string;
  /** The folder of a generated graph with ten calls for each of its 1,000 services. */
  readonly large: string;
  /** The file of `writeTokens`. */
  readonly tokens: string;
}

/** @param folder one that is empty. */
export function writeInputs(folder: string): Inputs {
  return {
    embedding: GRAPH,
    exchanging: writeGraphs(folder).exchange,
    large: writeGraph(SERVICES, folder),
    tokens: path.join(folder, 'tokens.json'),
  };
}

export interface Tokens {
  readonly issuer: string;
  readonly jwks: JSONWebKeySet;
  readonly kinds: Readonly<Record<Kind, Received>>;
}

export type Kind = 'leaf' | 'nested' | 'packed';

/** Tokens as a service receives them, one for each of many orders. */
export interface Received {
  readonly audience: string;
  /** The callee whose token is handed out; absent if none is carried. */
  readonly callee?: string;
  readonly tokens: readonly string[];
}

export function writeTokens(file: string, tokens: Tokens): void {
  writeFileSync(file, JSON.stringify(tokens));
}

export function readTokens(file: string): Tokens {
  return JSON.parse(readFileSync(file, 'utf8')) as Tokens;
}
