/** The options that the extractor and the gateway share: how they ask the issuer, and what they accept of a request. */

import { systemClock, type Clock } from '../clock.ts';
import type { Fetch } from '../discovery/index.ts';
import type { CertificateProxy } from '../identity/index.ts';
import { readCredentials } from './credentials/credentials.ts';
import type { Authenticate } from './credentials/issuer-access.ts';
import { readDecisionOptions, type DecisionSettings } from './decisions/decisions.ts';
import type { ExtractorOptions } from './extractor/options.ts';
import {
  requireFunction,
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

export const SHARED_NAMES = [
  'issuer',
  'credentials',
  'clientCertHeader',
  'clientCertFrom',
  'packed',
  'addresses',
  'clock',
  'clockTolerance',
  'fetch',
  'jwksUri',
  'introspectionEndpoint',
  'timeout',
  'connections',
  'cooldown',
  'keysMaxAge',
  'mode',
  'onDecision',
] as const;

export type SharedOptions = Pick<ExtractorOptions, (typeof SHARED_NAMES)[number]>;

export interface SharedSettings extends DecisionSettings {
  readonly issuer: string;
  /** Authenticates a request to the issuer; undefined without credentials. */
  readonly authenticate: Authenticate | undefined;
  readonly certificateProxy: CertificateProxy | undefined;
  readonly packed: PackedTokens;
  /** Without a slash at the end; undefined where none are given. */
  readonly addresses: readonly string[] | undefined;
  readonly clock: Clock;
  readonly clockTolerance: number;
  readonly fetch: typeof globalThis.fetch;
  /** For requests to the issuer: with the certificate of the credentials, if they have one. */
  readonly issuerFetch: Fetch;
  readonly jwksUri: string | undefined;
  readonly introspectionEndpoint: string | undefined;
  readonly timeout: number;
  readonly connections: number;
  readonly cooldown: number;
  readonly keysMaxAge: number;
}

/** 32 KiB: less than Envoy's and Cloudflare's defaults leave, more than a tree within nginx's needs. */
export const DEFAULT_BUDGET = 32 * 1024;

/** DPoP proofs that are remembered by default. */
export const CACHED_PROOFS = 100_000;

/** @throws WaybillError `usage` */
export function readSharedOptions(options: SharedOptions): SharedSettings {
  const { credentials, addresses } = options;
  const issuer = requireIssuer(options.issuer);
  const clock = requireFunction(options.clock ?? systemClock, 'clock');
  const fetch = requireFunction(options.fetch ?? globalThis.fetch, 'fetch');
  const access = credentials === undefined ? undefined : readCredentials(credentials, issuer, clock);
  return {
    ...readDecisionOptions(options),
    issuer,
    authenticate: access?.authenticate,
    certificateProxy: readCertificateProxy(options),
    packed: requireOneOf(options.packed ?? 'accept', ['accept', 'refuse'], 'packed'),
    addresses: addresses === undefined ? undefined : requireTexts(addresses, 'addresses').map(readAddress),
    clock,
    clockTolerance: requireNumber(options.clockTolerance ?? 5, 0, 'clockTolerance'),
    fetch,
    issuerFetch: access?.fetch ?? fetch,
    jwksUri: requireSecure(options.jwksUri, 'jwksUri'),
    introspectionEndpoint: requireSecure(options.introspectionEndpoint, 'introspectionEndpoint'),
    timeout: requireNumber(options.timeout ?? 5000, 1, 'timeout'),
    connections: Math.floor(requireNumber(options.connections ?? 32, 1, 'connections')),
    cooldown: requireNumber(options.cooldown ?? 30, 0, 'cooldown'),
    keysMaxAge: requireNumber(options.keysMaxAge ?? 600, 1, 'keysMaxAge'),
  };
}

function readAddress(address: string): string {
  const base = addressBase(address);
  if (base === undefined) throw usage('addresses are http or https addresses without query and fragment');
  return base;
}

/** RFC 8414 section 2: an issuer has neither a query nor a fragment. */
function requireIssuer(issuer: unknown): string {
  const text = requireSecure(requireText(issuer, 'issuer'), 'issuer');
  if (text.includes('?')) throw usage('issuer cannot have a query (RFC 8414 section 2)');
  return text;
}
