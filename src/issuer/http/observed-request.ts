/** What may be counted of the requests to an issuer. Every text is of a closed list: none comes from a request. */
import type { GrantName } from '../../graph/index.ts';
import type { IssuedTree } from '../index.ts';

export type ObservedEndpoint = 'token' | 'introspection' | 'revocation';
/** `other`: the request names no grant that the issuer knows. */
export type ObservedGrant = GrantName | 'other';

/** A tree that was issued. */
export interface ObservedTree {
  readonly encoding: NonNullable<IssuedTree['encoding']> | 'opaque';
  /** Whether the client had it already. */
  readonly reused: boolean;
  /** In the tree, the root among them. */
  readonly tokens: number;
  /** Of the root, children included; nested, where the client gets a reference. */
  readonly bytes: number;
}

/** A request that was answered. */
export interface ObservedRequest {
  readonly endpoint: ObservedEndpoint;
  /** Who asked; `unknown` where nobody has authenticated. */
  readonly caller: 'client' | 'service' | 'unknown';
  /** Of the token endpoint alone. */
  readonly grant?: ObservedGrant;
  /** `ok`; `inactive` for a token of which introspection says so; else the error code of the response (RFC 6749 section 5.2). */
  readonly outcome: string;
  /** From the start of the work on the request to its response. */
  readonly seconds: number;
  readonly tree?: ObservedTree;
}

/** Hears what happens at the endpoints, for metrics. Its methods must neither throw nor block. */
export interface RequestObserver {
  answered(request: ObservedRequest): void;
  /** A request was answered 503, because too many were there or it had waited for too long. */
  overloaded(): void;
}
