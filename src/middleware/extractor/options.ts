/**
 * The extractor's options, checked once when it is made.
 *
 * In: what the author wrote. Out: frozen `Settings` with every default filled in. Whatever is wrong is a `usage`
 * error that names the option, so that a service with a slip in its configuration does not start.
 */

import { systemClock, type Clock } from '../../clock.ts';
import { readCertificateProxy } from '../request/certificate-proxy.ts';
import { readCredentials, type CredentialsOptions } from '../credentials/credentials.ts';
import type { Authenticate } from '../credentials/issuer-access.ts';
import { addressBase, originsOf } from '../request/addresses.ts';
import type { PackedTokens } from '../request/authorization.ts';
import { parsePrefix, type PrefixedValue } from './url-prefix.ts';
import { secureUrl, type Fetch } from '../../discovery/index.ts';
import { DEFAULT_READER_LIMITS } from '../../protocol.ts';
import type { CertificateProxy } from '../../identity/index.ts';
import { requireNames, requireText, usage } from '../option-checks.ts';

export { requireNames, requireText, usage } from '../option-checks.ts';

export interface ExtractorOptions {
  /** The issuer's URL, exactly as it stands in `iss`: https, or http on loopback. */
  readonly issuer: string;
  /** This service's own audience, exactly as it stands in `aud`. */
  readonly audience: string;
  /**
   * Whether the extractor checks that the service which presents a token is the one that its `act` names. It has no
   * default, because the graph counts with it. `none`: whoever holds the token can use it. `mtls`: the certificate of
   * the connection must carry that name, as its one SPIFFE ID or other URI, or as a DNS name; so the server must speak
   * TLS itself, with `requestCert: true` and as `ca` the authorities of the mesh alone, or a proxy does so before it
   * (`clientCertHeader`).
   */
  readonly caller: 'none' | 'mtls';
  /**
   * The header in which a proxy that ends TLS passes on the certificate of its peer: `x-forwarded-client-cert` of Envoy
   * (with `Cert` or `Chain`), `Client-Cert` (RFC 9440), or any with PEM in percent escapes, as nginx writes it. The proxy
   * must verify certificates, and drop what others send under that name. Default: only the connection's own counts.
   */
  readonly clientCertHeader?: string | undefined;
  /**
   * IP addresses or networks (`10.1.0.0/16`) of that proxy, which belongs to `clientCertHeader`. From there the header
   * alone counts; from anywhere else it is not believed, and taken off the request.
   */
  readonly clientCertFrom?: readonly string[] | undefined;
  /**
   * Whether packed tokens (`wb1~…`) are read. `refuse` answers them 401 before anything is unpacked: for a service that only
   * receives nested tokens. Set `accepts: jwt` on it in the graph, so that no caller sends it a packed one. Default:
   * `accept`.
   */
  readonly packed?: PackedTokens | undefined;
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
   * Base addresses under which clients call this service: what stands before the path that its server sees. A DPoP
   * proof must be for an address below one of them; a `Host` header does not count. Default: the origin of `audience`.
   */
  readonly addresses?: readonly string[] | undefined;
  /**
   * Addresses that are not audiences: base address → the callee's name in the token, or its audience. Default none.
   * A route is looked at before audiences are; the longest one that fits counts.
   */
  readonly routes?: Readonly<Record<string, string>> | undefined;
  /** Largest bearer tokens, in bytes. */
  readonly budget?: BudgetOptions | undefined;
  /** What is kept in memory. */
  readonly cache?: CacheOptions | undefined;
  /**
   * How this service authenticates to the issuer, to fetch the tokens of callees that are on demand. Default: it does
   * not, and a call of such a callee fails.
   */
  readonly credentials?: CredentialsOptions | undefined;
  /**
   * Whether the issuer is asked if a token was revoked, which takes `credentials`. A service may ask about tokens for
   * its own audience. Where there is no answer, the request is refused. Default `none`: a token is good until `exp`.
   */
  readonly revocation?: 'none' | 'introspect' | undefined;
  /** Seconds for which the answer is kept, never beyond `exp`; so long a revoked token may pass. Default 5. */
  readonly revocationMaxAge?: number | undefined;
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
  /** Where the issuer's keys are: https, or http on loopback. Default: found by discovery (RFC 8414). */
  readonly jwksUri?: string | undefined;
  /** The issuer's token endpoint: https, or http on loopback. Default: found by discovery (RFC 8414). */
  readonly tokenEndpoint?: string | undefined;
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

export interface Settings {
  readonly issuer: string;
  readonly audience: string;
  readonly caller: 'none' | 'mtls';
  readonly certificateProxy: CertificateProxy | undefined;
  readonly packed: PackedTokens;
  readonly unboundRoots: 'refuse' | 'accept';
  readonly gateways: readonly string[];
  /** Without a slash at the end. */
  readonly addresses: readonly string[];
  /** Base address → callee's name or audience. */
  readonly routes: readonly PrefixedValue<string>[];
  readonly inbound: number;
  readonly unpacked: number;
  readonly outbound: number | Readonly<Record<string, number>>;
  readonly cachedTokens: number;
  readonly cachedExchanges: number;
  readonly cachedProofs: number;
  /** Puts what authenticates this service into an exchange; absent: it exchanges nothing. */
  readonly authenticate: Authenticate | undefined;
  readonly tokenEndpoint: string | undefined;
  readonly revocation: 'none' | 'introspect';
  readonly revocationMaxAge: number;
  readonly introspectionEndpoint: string | undefined;
  readonly clock: Clock;
  readonly clockTolerance: number;
  readonly fetch: typeof globalThis.fetch;
  /** How the issuer is asked. */
  readonly issuerFetch: Fetch;
  readonly jwksUri: string | undefined;
  readonly timeout: number;
  readonly connections: number;
  readonly cooldown: number;
  readonly keysMaxAge: number;
}

/** 32 KiB: less than Envoy's and Cloudflare's defaults leave, more than a tree within nginx's needs. */
export const DEFAULT_BUDGET = 32 * 1024;

const OPTION_NAMES = [
  ...[
    'issuer',
    'audience',
    'caller',
    'clientCertHeader',
    'clientCertFrom',
    'packed',
    'unboundRoots',
    'gateways',
    'addresses',
    'routes',
    'budget',
    'cache',
    'clock',
    'clockTolerance',
    'fetch',
    'jwksUri',
    'credentials',
    'tokenEndpoint',
  ],
  ...['revocation', 'revocationMaxAge', 'introspectionEndpoint'],
  ...['timeout', 'connections', 'cooldown', 'keysMaxAge'],
];

/** @throws WaybillError `usage`. */
export function readSettings(options: ExtractorOptions): Settings {
  requireNames(options, OPTION_NAMES, 'extractor()');
  const { budget = {}, cache = {}, jwksUri, tokenEndpoint, introspectionEndpoint, credentials } = options;
  requireNames(budget, ['inbound', 'unpacked', 'outbound'], 'budget');
  requireNames(cache, ['tokens', 'exchanged', 'proofs'], 'cache');
  if (jwksUri !== undefined) requireSecure(jwksUri, 'jwksUri');
  if (tokenEndpoint !== undefined) requireSecure(tokenEndpoint, 'tokenEndpoint');
  if (introspectionEndpoint !== undefined) requireSecure(introspectionEndpoint, 'introspectionEndpoint');
  const issuer = requireIssuer(options.issuer);
  const clock = requireFunction(options.clock ?? systemClock, 'clock');
  const outbound = readOutbound(budget.outbound ?? DEFAULT_BUDGET);
  const audience = requireText(options.audience, 'audience');
  const fetch = requireFunction(options.fetch ?? globalThis.fetch, 'fetch');
  const access = credentials === undefined ? undefined : readCredentials(credentials, issuer, clock);
  return Object.freeze({
    issuer,
    audience,
    caller: readCaller(options.caller),
    certificateProxy: readCertificateProxy(options),
    packed: readPacked(options.packed),
    unboundRoots: readUnboundRoots(options.unboundRoots),
    gateways: readTexts(options.gateways ?? [], 'gateways'),
    addresses: readAddresses(options.addresses) ?? originsOf(audience),
    routes: readRoutes(options.routes ?? {}),
    inbound: requireNumber(budget.inbound ?? DEFAULT_BUDGET, 1, 'budget.inbound'),
    unpacked: requireNumber(budget.unpacked ?? DEFAULT_READER_LIMITS.nested, 1, 'budget.unpacked'),
    outbound,
    cachedTokens: readEntries(cache.tokens ?? 1000, 0, 'cache.tokens'),
    cachedExchanges: readEntries(cache.exchanged ?? 1000, 1, 'cache.exchanged'),
    cachedProofs: readEntries(cache.proofs ?? CACHED_PROOFS, 1, 'cache.proofs'),
    authenticate: access?.authenticate,
    tokenEndpoint,
    revocation: readRevocation(options),
    revocationMaxAge: requireNumber(options.revocationMaxAge ?? 5, 0, 'revocationMaxAge'),
    introspectionEndpoint,
    clock,
    clockTolerance: requireNumber(options.clockTolerance ?? 5, 0, 'clockTolerance'),
    fetch,
    issuerFetch: access?.fetch ?? fetch,
    jwksUri,
    timeout: requireNumber(options.timeout ?? 5000, 1, 'timeout'),
    connections: readConnections(options.connections),
    cooldown: requireNumber(options.cooldown ?? 30, 0, 'cooldown'),
    keysMaxAge: requireNumber(options.keysMaxAge ?? 600, 1, 'keysMaxAge'),
  });
}

function readCaller(caller: unknown): Settings['caller'] {
  if (caller === 'none' || caller === 'mtls') return caller;
  throw usage(
    "extractor() needs the option caller, and it has no default: 'none' if whoever holds a token may use it, 'mtls' if " +
      'the service that presents it must be the one that it names',
  );
}

export function readPacked(choice: unknown): PackedTokens {
  if (choice === undefined) return 'accept';
  if (choice === 'accept' || choice === 'refuse') return choice;
  throw usage('packed must be accept or refuse');
}

function readUnboundRoots(choice: unknown): Settings['unboundRoots'] {
  if (choice === undefined || choice === 'refuse') return 'refuse';
  if (choice === 'accept') return choice;
  throw usage('unboundRoots must be refuse or accept');
}

function readTexts(values: readonly string[], option: string): readonly string[] {
  if (!Array.isArray(values)) throw usage(`${option} takes a list`);
  return Object.freeze(values.map((value) => requireText(value, option)));
}

/** DPoP proofs that are remembered by default. */
export const CACHED_PROOFS = 100_000;

/** lru-cache allocates space for all entries when it is created. */
const MAX_ENTRIES = 10_000_000;

/** @returns how many entries a cache has, a whole number. */
export function readEntries(entries: unknown, least: number, option: string): number {
  const whole = Math.floor(requireNumber(entries, least, option));
  if (whole <= MAX_ENTRIES) return whole;
  throw usage(`${option} must be at most ${MAX_ENTRIES}`);
}

/** @returns the bases without a slash at the end; undefined where none are given. */
export function readAddresses(addresses: readonly string[] | undefined): readonly string[] | undefined {
  if (addresses === undefined) return undefined;
  return readTexts(addresses, 'addresses').map((address) => {
    const base = addressBase(address);
    if (base === undefined) throw usage('addresses are http or https addresses without query and fragment');
    return base;
  });
}

/** RFC 8414 section 2: an issuer has neither a query nor a fragment. */
export function requireIssuer(issuer: unknown): string {
  const text = requireText(issuer, 'issuer');
  requireSecure(text, 'issuer');
  if (text.includes('?')) throw usage('issuer cannot have a query (RFC 8414 section 2)');
  return text;
}

export function requireSecure(address: string, option: string): void {
  if (secureUrl(address) === undefined) throw usage(`${option} must be an https URL, or http on loopback`);
}

function readRoutes(routes: Readonly<Record<string, string>>): Settings['routes'] {
  if (typeof routes !== 'object') throw usage('routes takes an object: address → callee');
  return Object.entries(routes).map(([address, callee]) => {
    const option = `routes[${JSON.stringify(address)}]`;
    const base = parsePrefix(address);
    if (base === undefined) throw usage(`${option} is not an http or https address`);
    return { base, value: requireText(callee, option) };
  });
}

function readOutbound(outbound: NonNullable<BudgetOptions['outbound']>): Settings['outbound'] {
  if (typeof outbound === 'number') return requireNumber(outbound, 1, 'budget.outbound');
  for (const [name, bytes] of Object.entries(outbound)) requireNumber(bytes, 1, `budget.outbound.${name}`);
  return Object.freeze({ ...outbound });
}

function readRevocation({ revocation = 'none', credentials }: ExtractorOptions): Settings['revocation'] {
  if (!['none', 'introspect'].includes(revocation)) throw usage('revocation must be none or introspect');
  if (revocation === 'introspect' && credentials === undefined) {
    throw usage('revocation: introspect needs credentials, with which the issuer is asked');
  }
  return revocation;
}

/** @returns a whole number. */
export function readConnections(connections: number | undefined): number {
  return Math.floor(requireNumber(connections ?? 32, 1, 'connections'));
}

export function requireNumber(value: unknown, least: number, option: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) {
    throw usage(`${option} must be a number of at least ${least}`);
  }
  return value;
}

export function requireFunction<Value>(value: Value, option: string): Value {
  if (typeof value !== 'function') throw usage(`${option} must be a function`);
  return value;
}
