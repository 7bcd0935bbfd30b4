/** The options that the extractor and the gateway share: how they ask the issuer, and what they accept of a request. */

import { systemClock, type Clock } from '../clock.ts';
import { certificateFetch } from './credentials/certificate-fetch.ts';
import { currentCertificate, type CertificateSource } from './credentials/certificate-files.ts';
import { readCredentials, type CredentialsOptions } from './credentials/credentials.ts';
import type { DecisionOptions } from './decisions/decision.ts';
import { readDecisionOptions } from './decisions/decisions.ts';
import {
  requireFunction,
  requireInsecureHosts,
  requireNames,
  requireNumber,
  requireOneOf,
  requireSecure,
  requireText,
  requireTexts,
  usage,
} from './option-checks.ts';
import { addressBase } from './request/addresses.ts';
import type { PackedTokens } from './request/authorization.ts';
import { readCertificateProxy } from './request/certificate-proxy.ts';

/** What the extractor and the gateway are both told: which issuer, how to reach it, and what stands before the service. */
export interface SharedOptions extends DecisionOptions {
  /** The issuer's URL, exactly as it stands in `iss`: https, or http on loopback. */
  readonly issuer: string;
  /**
   * The header in which a proxy that ends TLS passes on the certificate of its peer: `x-forwarded-client-cert` of Envoy
   * (with `Cert` or `Chain`; for `caller: 'mtls'` with `URI` or `DNS` too, as Istio's sidecars write it), `Client-Cert`
   * (RFC 9440), or any with PEM in percent escapes, as nginx writes it. The proxy must verify certificates, and drop what
   * others send under that name, or in Envoy's header write its own element last. Default: only the connection's own counts.
   */
  readonly clientCertHeader?: string | undefined;
  /**
   * IP addresses or networks (`10.1.0.0/16`) of that proxy, which belongs to `clientCertHeader`. From there the header
   * alone counts; from any other address it is ignored, and removed from the request.
   */
  readonly clientCertFrom?: readonly string[] | undefined;
  /**
   * Whether packed tokens (`wb1~…`) are read. `refuse` answers them 401 before anything is unpacked: for a service that only
   * receives nested tokens. Set `accepts: jwt` on it in the graph, so that no caller sends it a packed one. Default:
   * `accept`.
   */
  readonly packed?: PackedTokens | undefined;
  /**
   * Base addresses under which clients call this service: what stands before the path that its server sees. A DPoP
   * proof must be for an address below one of them; a `Host` header does not count. Default: the origin of `audience`.
   */
  readonly addresses?: readonly string[] | undefined;
  /**
   * How this service authenticates to the issuer, to fetch the tokens of callees that are on demand. Default: it does
   * not, and a call of such a callee fails.
   */
  readonly credentials?: CredentialsOptions | undefined;
  /** The issuer's introspection endpoint: https, or http on loopback. Default: found by discovery (RFC 8414). */
  readonly introspectionEndpoint?: string | undefined;
  /** Seconds since the epoch. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** How many seconds `iat` and `nbf` may lie ahead. Default 5. `exp` has no tolerance. */
  readonly clockTolerance?: number | undefined;
  /**
   * Used for the issuer's keys and by `request.fetch`, say to go through a proxy, or to show a certificate to callees.
   * Where `credentials` has a certificate, the issuer is asked without it. Default: the global `fetch`.
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /**
   * The certificate that `request.fetch` and requests to the issuer show: PEM, or files that are read again when they
   * change, as agents of SPIFFE rewrite them. Calls with `http:` addresses go without it. Bodies are streamed; redirects
   * are handed back, not followed, and answers are not decompressed. In place of `fetch`. Default: no certificate.
   */
  readonly tls?: CertificateSource | undefined;
  /**
   * Hosts, exactly as they stand in the issuer's addresses, that may be asked over plain http, with their port unless it
   * is 80: `['waybill.ns.svc']`. For a mesh that encrypts and authenticates these connections itself; without that anyone
   * on the way could replace the issuer's keys. Default: none, so only https, or http on loopback.
   */
  readonly insecureHosts?: readonly string[] | undefined;
  /** Where the issuer's keys are: https, or http on loopback. Default: found by discovery (RFC 8414). */
  readonly jwksUri?: string | undefined;
  /**
   * Longest wait for the issuer's metadata and keys together, and for any other answer of the issuer, in milliseconds,
   * the wait for a connection included. Default 5000.
   */
  readonly timeout?: number | undefined;
  /**
   * Most concurrent requests to the issuer, besides one for its keys. Further requests wait, and fail with
   * `issuer_unavailable` when their `timeout` passes. Default 32.
   */
  readonly connections?: number | undefined;
  /** Seconds after a fetch of the keys in which an unknown key id leads to no other one. Default 30. */
  readonly cooldown?: number | undefined;
  /**
   * Seconds after which fetched keys are no longer used, however unreachable the issuer is. They are fetched anew,
   * beside the request, from half of it on. A verified token is not cached for longer either. Default 600.
   */
  readonly keysMaxAge?: number | undefined;
}

/** Each option once: one that is missing or unknown does not compile. */
const SHARED = {
  issuer: true,
  credentials: true,
  clientCertHeader: true,
  clientCertFrom: true,
  packed: true,
  addresses: true,
  clock: true,
  clockTolerance: true,
  fetch: true,
  jwksUri: true,
  introspectionEndpoint: true,
  timeout: true,
  connections: true,
  cooldown: true,
  keysMaxAge: true,
  insecureHosts: true,
  tls: true,
  mode: true,
  onDecision: true,
} satisfies Record<keyof SharedOptions, true>;

export const SHARED_NAMES: readonly string[] = Object.keys(SHARED);

export type SharedSettings = Readonly<ReturnType<typeof readSharedOptions>>;

/** 32 KiB: less than Envoy's and Cloudflare's defaults leave, more than a tree within nginx's needs. */
export const DEFAULT_BUDGET = 32 * 1024;

/** DPoP proofs that are remembered by default. */
export const CACHED_PROOFS = 100_000;

/** @throws WaybillError `usage` */
export function readSharedOptions(options: SharedOptions) {
  const { credentials, addresses } = options;
  const insecureHosts = requireInsecureHosts(options.insecureHosts ?? []);
  const issuer = requireIssuer(options.issuer, insecureHosts);
  const clock = requireFunction(options.clock ?? systemClock, 'clock');
  const fetch = readFetch(options, clock);
  const access = credentials === undefined ? undefined : readCredentials(credentials, issuer, clock);
  return {
    ...readDecisionOptions(options),
    issuer,
    /** Authenticates a request to the issuer; undefined without credentials. */
    authenticate: access?.authenticate,
    certificateProxy: readCertificateProxy(options),
    packed: requireOneOf(options.packed ?? 'accept', ['accept', 'refuse'], 'packed'),
    /** Without a slash at the end; undefined where none are given. */
    addresses: addresses === undefined ? undefined : readAddresses(addresses),
    clock,
    clockTolerance: requireNumber(options.clockTolerance ?? 5, 0, 'clockTolerance'),
    fetch,
    /** For requests to the issuer: with the certificate of the credentials, if they have one. */
    issuerFetch: access?.fetch ?? fetch,
    /** Hosts for which http will do. */
    insecureHosts,
    jwksUri: requireSecure(options.jwksUri, 'jwksUri', insecureHosts),
    introspectionEndpoint: requireSecure(
      options.introspectionEndpoint,
      'introspectionEndpoint',
      insecureHosts,
    ),
    timeout: requireNumber(options.timeout ?? 5000, 1, 'timeout'),
    connections: Math.floor(requireNumber(options.connections ?? 32, 1, 'connections')),
    cooldown: requireNumber(options.cooldown ?? 30, 0, 'cooldown'),
    keysMaxAge: requireNumber(options.keysMaxAge ?? 600, 1, 'keysMaxAge'),
  };
}

function readFetch({ fetch, tls }: SharedOptions, clock: Clock): typeof globalThis.fetch {
  if (tls === undefined) return requireFunction(fetch ?? globalThis.fetch, 'fetch');
  if (fetch !== undefined) throw usage('tls and fetch are two ways to say how calls are made: choose one');
  requireNames(tls, ['cert', 'key', 'ca', 'certFile', 'keyFile', 'caFile'], 'tls');
  return certificateFetch(currentCertificate(tls, clock, 'tls'));
}

function readAddresses(addresses: readonly string[]): readonly string[] {
  return requireTexts(addresses, 'addresses').map((address) => {
    const base = addressBase(address);
    if (base === undefined) throw usage('addresses are http or https addresses without query and fragment');
    return base;
  });
}

/** RFC 8414 section 2: an issuer has neither a query nor a fragment. */
function requireIssuer(issuer: unknown, insecureHosts: readonly string[]): string {
  const text = requireSecure(requireText(issuer, 'issuer'), 'issuer', insecureHosts);
  if (text.includes('?')) throw usage('issuer cannot have a query (RFC 8414 section 2)');
  return text;
}
