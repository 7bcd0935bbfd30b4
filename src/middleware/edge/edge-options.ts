/** The options of the client at the edge, checked once when it is made. */

import { KeyObject, generateKeyPairSync } from 'node:crypto';

import type { CredentialsOptions } from '../credentials/credentials.ts';
import { requireEntries, requireNames, requireNumber, requireSecure, usage } from '../option-checks.ts';
import { readSharedOptions, type SharedOptions } from '../shared-options.ts';

/** The configuration of a client: its issuer, and how it authenticates there. */
export interface EdgeOptions extends Pick<
  SharedOptions,
  'issuer' | 'clock' | 'fetch' | 'tls' | 'timeout' | 'connections' | 'insecureHosts'
> {
  /** How the client authenticates to the issuer: its name in the graph, and what its `auth` asks for. */
  readonly credentials: CredentialsOptions;
  /** The issuer's token endpoint: https, or http on loopback. Default: found by discovery (RFC 8414). */
  readonly tokenEndpoint?: string | undefined;
  /**
   * Binds tokens to a key of this client, and sends a proof with every request (RFC 9449): `true` makes a key that
   * lives as long as the process, a private key on P-256 is used as it is. Default: bearer tokens.
   */
  readonly dpop?: true | KeyObject | undefined;
  /**
   * Seconds before its end from which a token is not given out any more, at most half of its life. Default 30: the
   * calls that it is for take time too.
   */
  readonly margin?: number | undefined;
  /** Most tokens that are cached: 64 KiB of text each on average, at most 10,000,000. Default 1000. */
  readonly cachedTokens?: number | undefined;
}

export type EdgeSettings = Readonly<ReturnType<typeof readEdgeSettings>>;

const NAMES = [
  ...['issuer', 'clock', 'fetch', 'tls', 'timeout', 'connections', 'insecureHosts', 'credentials'],
  ...['tokenEndpoint', 'dpop', 'margin', 'cachedTokens'],
];

/** @throws WaybillError `usage` */
export function readEdgeSettings(options: EdgeOptions) {
  requireNames(options, NAMES, 'edge()');
  const shared = readSharedOptions(options);
  const { authenticate, insecureHosts } = shared;
  if (authenticate === undefined) throw usage('credentials are missing: a client authenticates with them');
  return {
    ...shared,
    authenticate,
    tokenEndpoint: requireSecure(options.tokenEndpoint, 'tokenEndpoint', insecureHosts),
    proofKey: readProofKey(options.dpop),
    margin: requireNumber(options.margin ?? 30, 0, 'margin'),
    cachedTokens: requireEntries(options.cachedTokens ?? 1000, 1, 'cachedTokens'),
  };
}

function readProofKey(dpop: unknown): KeyObject | undefined {
  if (dpop === undefined) return undefined;
  if (dpop === true) return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const isFit =
    dpop instanceof KeyObject &&
    dpop.type === 'private' &&
    dpop.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (isFit) return dpop;
  throw usage('dpop must be true, or a private key on P-256 as a KeyObject');
}
