/** The gateway's options, checked once when it is created. A wrong one is a `usage` error that names it. */

import type { IncomingMessage } from 'node:http';

import { certificateHeaders, type CertificateProxy } from '../../identity/index.ts';
import { ENCODINGS, type Encoding } from '../../protocol.ts';
import type { CredentialsOptions } from '../credentials/credentials.ts';
import {
  requireEntries,
  requireFunction,
  requireNames,
  requireNumber,
  requireOneOf,
  requireTexts,
  usage,
} from '../option-checks.ts';
import {
  CACHED_PROOFS,
  DEFAULT_BUDGET,
  SHARED_NAMES,
  readSharedOptions,
  type SharedOptions,
} from '../shared-options.ts';
import type { RequestValues } from '../request/request-values.ts';
import { HeaderNames } from './stripped-headers.ts';

/** The configuration of a gateway: its issuer, its credentials, and which headers it strips. */
export interface GatewayOptions extends SharedOptions {
  /** How the gateway authenticates to the issuer: its name in the graph, whose `introspect` names the entries. */
  readonly credentials: CredentialsOptions;
  /** Largest token that is accepted, in bytes. Default 32768. Larger ones are answered 431. */
  readonly inbound?: number | undefined;
  /**
   * The coding of the tokens that go on to the services: `packed` where what stands between takes no larger headers.
   * Default: the graph's, and for a root token the one that it was presented in.
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
   * What the gateway says of each request with an opaque token: values of the claims that the graph lets gateways set
   * (`from: request`, `set_by: gateway`), by name. They are in the root token of this request; a swap is cached for equal
   * values only. For `protect`; `swap` takes them with each request. Default: it says nothing.
   *
   * @example
   * ```ts
   * import type { GatewayOptions } from 'waybill/middleware';
   *
   * const requestContext: GatewayOptions['requestContext'] = ({ socket }) => ({ ip: socket.remoteAddress });
   * ```
   */
  readonly requestContext?: ((request: IncomingMessage) => RequestValues) | undefined;
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
  /**
   * As the extractor's, for tokens that are bound to a certificate: the header in which a proxy before the gateway passes
   * it on. The gateway always strips that header. Default: only the connection's own certificate counts.
   */
  readonly clientCertHeader?: string | undefined;
  /** IP addresses or networks of that proxy, which belongs to `clientCertHeader`; from any other address it is ignored. */
  readonly clientCertFrom?: readonly string[] | undefined;
}

export type GatewaySettings = ReturnType<typeof readGatewaySettings>;

const NAMES = [
  ...['inbound', 'encoding', 'cachedSwaps', 'swapMaxAge', 'requestContext', 'cachedProofs', 'stripHeaders'],
  ...SHARED_NAMES,
];

/** @throws WaybillError `usage` */
export function readGatewaySettings(options: GatewayOptions) {
  requireNames(options, NAMES, 'gateway()');
  const shared = readSharedOptions(options);
  const { authenticate, certificateProxy } = shared;
  const { encoding, requestContext } = options;
  if (authenticate === undefined) {
    throw usage('credentials are missing: the gateway asks the issuer with them');
  }
  return Object.freeze({
    ...shared,
    authenticate,
    inbound: requireNumber(options.inbound ?? DEFAULT_BUDGET, 1, 'inbound'),
    encoding: encoding === undefined ? undefined : requireOneOf(encoding, ENCODINGS, 'encoding'),
    cachedSwaps: requireEntries(options.cachedSwaps ?? 1000, 1, 'cachedSwaps'),
    swapMaxAge: requireNumber(options.swapMaxAge ?? 5, 0, 'swapMaxAge'),
    requestContext: requestContext && requireFunction(requestContext, 'requestContext'),
    cachedProofs: requireEntries(options.cachedProofs ?? CACHED_PROOFS, 1, 'cachedProofs'),
    /** With the headers of `certificateProxy`. */
    stripHeaders: readStripHeaders(options, certificateProxy),
  });
}

/** A name with an optional leading `*-` and trailing `-*`. */
const NAME_PATTERN = /^(?:\*-)?[\w!#$%&'+.^`|~-]+(?:-\*)?$/;

/** The headers of the certificate proxy are stripped too: services behind the gateway must not trust them. */
function readStripHeaders(
  { stripHeaders = [] }: GatewayOptions,
  proxy: CertificateProxy | undefined,
): HeaderNames {
  const given = requireTexts(stripHeaders, 'stripHeaders');
  const wrong = given.find((name) => !NAME_PATTERN.test(name));
  if (wrong !== undefined)
    throw usage(
      `stripHeaders takes names of headers, such as x-tenant or x-acme-*; ${wrong} is not a valid name`,
    );
  return new HeaderNames([...given, ...(proxy ? certificateHeaders(proxy) : [])]);
}
