/** The sidecar's own proxy: where it listens, what it shows and whom it trusts. */
import { createSecureContext } from 'node:tls';

import { usageError } from '../../errors.ts';
import { addressList } from '../../identity/index.ts';
import type { SourceTrust } from '../check/source-peer.ts';
import type { ClientTls } from '../proxy/destinations.ts';
import {
  MAX_REQUESTS,
  type EgressConfig,
  type ListenConfig,
  type SidecarConfig,
  type TlsFiles,
} from './config.ts';
import { readTextFile } from './text-file.ts';

/** All in PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Authorities of clients. */
  readonly clientCa?: string | undefined;
}

const REQUEST_MS = 300_000;
const SILENCE_MS = 60_000;

/** What the schema cannot say. @throws WaybillError `usage` */
export function requireWholeProxy({ listen, upstream, caller, client_cert: peers }: SidecarConfig): void {
  if (listen !== undefined && upstream === undefined)
    throw usageError('listen needs upstream, which says where the application listens.');
  if (listen === undefined && upstream !== undefined)
    throw usageError('upstream needs listen, which says where the proxy before it listens.');
  if (
    listen !== undefined &&
    caller === 'mtls' &&
    listen.ca_file === undefined &&
    peers?.header === undefined
  )
    throw usageError(
      'with caller: mtls the proxy must see certificates: listen needs cert_file, key_file and ca_file, or a proxy before it client_cert.header.',
    );
}

export interface ProxyLimits {
  /** Longest time in which a request must arrive. */
  readonly requestMs: number;
  readonly silenceMs: number;
  readonly maxRequests: number;
}

export function proxyLimits(config: SidecarConfig): ProxyLimits {
  return {
    requestMs: config.request_timeout_ms ?? REQUEST_MS,
    silenceMs: config.silence_timeout_ms ?? SILENCE_MS,
    maxRequests: config.max_requests ?? MAX_REQUESTS,
  };
}

/** What the schema cannot say of `client_cert`. @returns undefined without `source`. @throws WaybillError `usage` */
export function readSourceTrust({ client_cert: given, grpc }: SidecarConfig): SourceTrust | undefined {
  if (given === undefined) return undefined;
  const { header, source } = given;
  if ((header === undefined) === (source === undefined))
    throw usageError('client_cert needs either header or source, which say where the proxy names its peer.');
  if (source === undefined) return undefined;
  if (grpc === undefined)
    throw usageError('client_cert.source needs grpc: Envoy sends it with no other question.');
  const from = addressList(given.from);
  if (from === undefined) throw usageError('client_cert.from must be IP addresses or networks.');
  return { source, from };
}

/** @returns undefined: plain http. @throws WaybillError `usage` */
export function readListenTls(listen: ListenConfig): ServerTls | undefined {
  const { cert, key, ca } = readTls(listen, 'listen');
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa: ca };
  if (ca !== undefined) throw usageError('listen.ca_file needs cert_file and key_file.');
  return undefined;
}

/** @throws WaybillError `usage` */
export function readEgressTls(config: SidecarConfig): ClientTls {
  return readTls(config.egress ?? {}, 'egress');
}

/** Host in lower case → origin. */
export function egressAddresses({ addresses = {} }: EgressConfig): ReadonlyMap<string, URL> {
  return new Map(Object.entries(addresses).map(([host, origin]) => [host.toLowerCase(), new URL(origin)]));
}

/** Host in lower case → SPIFFE IDs of its callee, any of which its certificate may have. */
export function calleeIdentities({
  callee_identities: table = {},
}: SidecarConfig): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(table).map(([host, ids]) => [host.toLowerCase(), [ids].flat()]));
}

/** All files that TLS is read from. */
export function proxyTlsFiles({ listen, egress }: SidecarConfig): readonly string[] {
  return [listen, egress]
    .flatMap((part) => [part?.cert_file, part?.key_file, part?.ca_file])
    .filter((file) => file !== undefined);
}

function readTls(files: TlsFiles, where: string): ClientTls {
  const { cert_file: certFile, key_file: keyFile, ca_file: caFile } = files;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw usageError(`${where} needs both cert_file and key_file.`);
  const cert = readPem(certFile, `${where}.cert_file`);
  const key = readPem(keyFile, `${where}.key_file`);
  const ca = readPem(caFile, `${where}.ca_file`);
  try {
    createSecureContext({ cert, key, ca });
  } catch (error) {
    // Codes of OpenSSL hold no secret.
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw usageError(`the files of ${where} do not match, or one cannot be used: ${code}.`);
  }
  return { cert, key, ca };
}

function readPem(file: string | undefined, key: string): string | undefined {
  if (file === undefined) return undefined;
  const text = readTextFile(file, key);
  if (text.includes('-----BEGIN ')) return text;
  throw usageError(`${key} ${file} is not PEM.`);
}
