/** The extractor's options, as the author of a service writes them. */

import type { DecryptionKeys } from '../../token/index.ts';
import type { SharedOptions } from '../shared-options.ts';

/** The configuration of an extractor: whose tokens it accepts, for which audience, and how it reaches the issuer. */
export interface ExtractorOptions extends SharedOptions {
  /**
   * This service's own audience, exactly as it stands in `aud`. A list where the graph gives it several: a token for any of
   * them is accepted.
   */
  readonly audience: string | readonly string[];
  /**
   * Whether the extractor checks that the service which presents a token is the one that its `act` names. It has no
   * default, because the graph counts with it. `none`: whoever holds the token can use it. `mtls`: the certificate of
   * the connection must carry that name, as its one SPIFFE ID or other URI, or as a DNS name; so the server must speak
   * TLS itself, with `requestCert: true` and as `ca` the authorities of the mesh alone, or a proxy does so before it
   * (`clientCertHeader`).
   */
  readonly caller: 'none' | 'mtls';
  /**
   * With `caller: 'mtls'`: what becomes of a root token that is bound to no key (`cnf`), which anyone could have lifted.
   * `accept` is for a service that clients outside the mesh call too. Default: `refuse`.
   */
  readonly unboundRoots?: 'refuse' | 'accept' | undefined;
  /**
   * With `caller: 'mtls'`: names, as in a certificate, of the gateways from which root tokens that are bound to no key
   * are accepted all the same: a gateway has seen who its client is. Default: none.
   */
  readonly gateways?: readonly string[] | undefined;
  /**
   * Private keys of this service, for tokens that are sealed to it: a JWK Set of keys on P-256 or X25519, each with a
   * `kid`. While keys rotate it has two. Default: none, and sealed tokens are refused.
   */
  readonly decryption?: DecryptionKeys | undefined;
  /**
   * With `decryption`: what becomes of a token that came unsealed. `require` refuses it: right where all calls into this
   * service are sealed, as `seal: true` of the service in the graph says, for then someone has stripped the seal. Default:
   * `accept`.
   */
  readonly seal?: 'accept' | 'require' | undefined;
  /**
   * Addresses that are not audiences: base address → the callee's name in the token, or its audience. Default none.
   * A route is looked at before audiences are; the longest one that fits counts.
   */
  readonly routes?: Readonly<Record<string, string>> | undefined;
  /** Largest bearer tokens, in bytes. */
  readonly budget?: BudgetOptions | undefined;
  /** How many entries the caches have. */
  readonly cache?: CacheOptions | undefined;
  /**
   * Whether the issuer is asked if a token was revoked, which takes `credentials`. A service may ask about tokens for
   * its own audience. Where there is no answer, the request is refused. Default `none`: a token is good until `exp`.
   */
  readonly revocation?: 'none' | 'introspect' | undefined;
  /** Seconds for which the answer is kept, never beyond `exp`; so long a revoked token may pass. Default 5. */
  readonly revocationMaxAge?: number | undefined;
  /** The issuer's token endpoint: https, or http on loopback. Default: found by discovery (RFC 8414). */
  readonly tokenEndpoint?: string | undefined;
}

/**
 * Each is a number of entries, 10,000,000 at most; the least recently used one makes room. The first two also bound
 * memory: 64 KiB of text for each entry on average, and at least 1 MiB, so that large tokens are fewer.
 */
export interface CacheOptions {
  /** Most verified tokens, each with its claims and the children that were asked for. Default 1000; 0: none. */
  readonly tokens?: number | undefined;
  /** Most exchanged tokens, each with the token that it was exchanged for. Default 1000. */
  readonly exchanged?: number | undefined;
  /** Most DPoP proofs that are remembered as used, for 90 seconds at most, 43 bytes each. Default 100000. */
  readonly proofs?: number | undefined;
}

export interface BudgetOptions {
  /** Largest token that is accepted, in bytes. Default 32768. Larger ones are answered 431. */
  readonly inbound?: number | undefined;
  /**
   * What a packed token may unpack to, in bytes: the graph's `limits.nested`. Default 262144, which is the graph's
   * default too. Larger ones are answered 431.
   */
  readonly unpacked?: number | undefined;
  /** Largest token that is sent, in bytes: one number, or by callee's name, others 32768. Default 32768. */
  readonly outbound?: number | Readonly<Record<string, number>> | undefined;
}
