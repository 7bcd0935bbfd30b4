/** What an issuance comes to: the tree as its client gets it, and what is said of it. */
import type { StepUp } from '../../graph/index.ts';
import type { Confirmation, Encoding, TokenType } from '../../token/index.ts';

/** A tree as it was issued, and what may be logged of it. */
export interface IssuedTree {
  /** The root token, or an opaque reference to it. Never logged. */
  readonly token: string;
  /** Whether `token` is a reference. */
  readonly opaque: boolean;
  /** Set where the root is encrypted to its service: whoever asked for it cannot read it. */
  readonly sealed?: true;
  /** Whether it was issued before, for the same request of the same client. */
  readonly reused: boolean;
  /** The client for which it was made. */
  readonly client: string;
  /** The service that fetched it; absent where the client asked. */
  readonly caller: string | undefined;
  /** The service that the root token is for. */
  readonly entry: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
  /** The claims of the request that the client set and the tree carries, by name. Never logged. Default: none. */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
  readonly txn: string;
  /** The key to which the root is bound; absent where it is bound to none. */
  readonly cnf: Confirmation | undefined;
  /** What the answer calls it (RFC 6749 section 7.1). */
  readonly tokenType: TokenType;
  /** Scopes that another login would give, or calls below them (RFC 9470); absent: nothing more. */
  readonly stepUp?: StepUp | undefined;
  /** Tokens in the tree. */
  readonly tokens: number;
  /** How the root token travels; absent where `token` is a reference. */
  readonly encoding: Encoding | undefined;
  /** Bytes of the root token as it is sent; nested, where `token` is a reference. */
  readonly bytes: number;
  /** Seconds from now on. */
  readonly expiresIn: number;
}
