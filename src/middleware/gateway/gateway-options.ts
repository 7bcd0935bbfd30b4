/** The gateway's options, checked once when it is made; whatever is wrong is a `usage` error that names the option. */

import { systemClock } from '../../clock.ts';
import { certificateHeaders, type CertificateProxy } from '../../identity/index.ts';
import { readCertificateProxy } from '../request/certificate-proxy.ts';
import {
  DEFAULT_BUDGET,
  CACHED_PROOFS,
  readAddresses,
  readEntries,
  readPacked,
  readConnections,
  requireFunction,
  requireIssuer,
  requireNames,
  requireNumber,
  requireSecure,
  requireText,
  usage,
  type ExtractorOptions,
  type Settings,
} from '../extractor/options.ts';
import { readCredentials, type CredentialsOptions } from '../credentials/credentials.ts';
import type { Authenticate } from '../credentials/issuer-access.ts';
import type { Fetch } from '../../discovery/index.ts';
import type { Encoding } from '../../token/index.ts';
import { HeaderNames } from './stripped-headers.ts';

type Shared =
  | 'issuer'
  | 'clock'
  | 'clockTolerance'
  | 'fetch'
  | 'jwksUri'
  | 'introspectionEndpoint'
  | 'timeout'
  | 'connections'
  | 'cooldown'
  | 'keysMaxAge'
  | 'packed';

export interface GatewayOptions extends Pick<ExtractorOptions, Shared> {
  /** How the gateway authenticates to the issuer: its name in the graph, whose `introspect` names the entries. */
  readonly credentials: CredentialsOptions;
  /** Largest token that is accepted, in bytes. Default 32768. Larger ones are answered 431. */
  readonly inbound?: number | undefined;
  /**
   * The coding of the tokens that go on to the services: `packed` where what stands between takes no larger headers.
   * Default: that of the graph, and of a root token that came in the one that it came in.
   */
  readonly encoding?: Encoding | undefined;
  /** Most swapped tokens that are cached: 64 KiB of text each on average, and at most 10,000,000. Default 1000. */
  readonly cachedSwaps?: number | undefined;
  /**
   * Seconds for which a swap is cached, never beyond `exp`; for that time a revoked token may still pass. Inactive tokens
   * are cached for the same time, and for five seconds at most. Default 5.
   */
  readonly swapMaxAge?: number | undefined;
  /**
   * Base addresses under which clients call the gateway: what stands before the path that its server sees. A DPoP proof
   * must be for an address below one of them; a `Host` header does not count. Default: the origin of a route's audience.
   */
  readonly addresses?: readonly string[] | undefined;
  /** Most DPoP proofs that are remembered as used, for 90 seconds at most: at most 10,000,000. Default 100000. */
  readonly cachedProofs?: number | undefined;
  /**
   * Names of further headers that clients cannot send through, in any case: `X-Tenant`, or with all that begins so
   * `x-acme-*`. docs/reference/stripped-headers.md lists what is stripped without it. Default: none.
   */
  readonly stripHeaders?: readonly string[] | undefined;
  /** @deprecated The older name of `stripHeaders`, which adds to it. */
  readonly strip?: readonly string[] | undefined;
  /**
   * As the extractor's, for tokens that are bound to a certificate: the header in which a proxy before the gateway passes
   * it on. It ends at the gateway, whoever sent it. Default: only the connection's own certificate counts.
   */
  readonly clientCertHeader?: string | undefined;
  /** IP addresses or networks of that proxy, which belongs to `clientCertHeader`; from anywhere else it is not believed. */
  readonly clientCertFrom?: readonly string[] | undefined;
}

export interface GatewaySettings extends Pick<
  Settings,
  Exclude<Shared, 'fetch'> | 'inbound' | 'issuerFetch'
> {
  /** As `issuerFetch`: a gateway asks nobody else. */
  readonly fetch: Fetch;
  /** Puts what authenticates the gateway into a question to the issuer. */
  readonly authenticate: Authenticate;
  readonly encoding: Encoding | undefined;
  readonly cachedSwaps: number;
  readonly swapMaxAge: number;
  /** Without a slash at the end; absent: that of the route's audience. */
  readonly addresses: readonly string[] | undefined;
  readonly cachedProofs: number;
  /** Those of `certificateProxy` too. */
  readonly stripHeaders: HeaderNames;
  readonly certificateProxy: CertificateProxy | undefined;
}

const NAMES = [
  ...['issuer', 'credentials', 'introspectionEndpoint', 'jwksUri', 'inbound', 'cachedSwaps', 'swapMaxAge'],
  ...[
    'encoding',
    'addresses',
    'cachedProofs',
    'stripHeaders',
    'strip',
    'clientCertHeader',
    'clientCertFrom',
    'clock',
    'clockTolerance',
    'fetch',
    'timeout',
    'connections',
    'cooldown',
    'keysMaxAge',
    'packed',
  ],
];

/** @throws WaybillError `usage` */
export function readGatewaySettings(options: GatewayOptions): GatewaySettings {
  requireNames(options, NAMES, 'gateway()');
  const { jwksUri, introspectionEndpoint } = options;
  if ((options.credentials as unknown) === undefined) {
    throw usage('credentials are missing: the gateway asks the issuer with them');
  }
  if (jwksUri !== undefined) requireSecure(jwksUri, 'jwksUri');
  if (introspectionEndpoint !== undefined) requireSecure(introspectionEndpoint, 'introspectionEndpoint');
  const issuer = requireIssuer(options.issuer);
  const clock = requireFunction(options.clock ?? systemClock, 'clock');
  const { authenticate, fetch: ownFetch } = readCredentials(options.credentials, issuer, clock);
  const given = requireFunction(options.fetch ?? globalThis.fetch, 'fetch');
  const fetch: Fetch = ownFetch ?? given;
  const certificateProxy = readCertificateProxy(options);
  return Object.freeze({
    issuer,
    authenticate,
    introspectionEndpoint,
    jwksUri,
    inbound: requireNumber(options.inbound ?? DEFAULT_BUDGET, 1, 'inbound'),
    packed: readPacked(options.packed),
    encoding: readEncoding(options.encoding),
    cachedSwaps: readEntries(options.cachedSwaps ?? 1000, 1, 'cachedSwaps'),
    swapMaxAge: requireNumber(options.swapMaxAge ?? 5, 0, 'swapMaxAge'),
    addresses: readAddresses(options.addresses),
    cachedProofs: readEntries(options.cachedProofs ?? CACHED_PROOFS, 1, 'cachedProofs'),
    stripHeaders: readStripHeaders(options, certificateProxy),
    certificateProxy,
    clock,
    clockTolerance: requireNumber(options.clockTolerance ?? 5, 0, 'clockTolerance'),
    fetch,
    issuerFetch: fetch,
    timeout: requireNumber(options.timeout ?? 5000, 1, 'timeout'),
    connections: readConnections(options.connections),
    cooldown: requireNumber(options.cooldown ?? 30, 0, 'cooldown'),
    keysMaxAge: requireNumber(options.keysMaxAge ?? 600, 1, 'keysMaxAge'),
  });
}

function readEncoding(encoding: unknown): Encoding | undefined {
  if (encoding === undefined || encoding === 'nested' || encoding === 'packed') return encoding;
  throw usage('encoding must be nested or packed');
}

/** A name with an optional leading `*-` and trailing `-*`. */
const NAME_PATTERN = /^(?:\*-)?[\w!#$%&'+.^`|~-]+(?:-\*)?$/;

/** A certificate speaks to whoever sees its proxy. To those behind the gateway, the gateway is the one before them. */
function readStripHeaders(
  { stripHeaders, strip }: GatewayOptions,
  proxy: CertificateProxy | undefined,
): HeaderNames {
  const given = [stripHeaders ?? [], strip ?? []].flatMap((names) => {
    if (!Array.isArray(names)) throw usage('stripHeaders must be a list');
    return names.map((name) => requireText(name, 'stripHeaders'));
  });
  const wrong = given.find((name) => !NAME_PATTERN.test(name));
  if (wrong !== undefined)
    throw usage(
      `stripHeaders takes names of headers, such as x-tenant or x-acme-*; ${wrong} is not a valid name`,
    );
  return new HeaderNames([...given, ...(proxy ? certificateHeaders(proxy) : [])]);
}
