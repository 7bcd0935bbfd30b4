/** TLS on both sides of Envoy. */
import { isIP } from 'node:net';
import type { ExportMode } from '../report/mode.ts';
import type { TlsFiles } from './options.ts';
import { extension, type Json } from './typed.ts';

const TRANSPORT = 'envoy.transport_sockets.tls';

/**
 * @param asksForCertificate whether a caller without a certificate of these authorities is turned away. In report mode
 * one may have none.
 */
export function serverTls(files: TlsFiles, asksForCertificate: boolean, mode: ExportMode): Json {
  return extension(TRANSPORT, 'downstreamTls', {
    ...(asksForCertificate ? { require_client_certificate: mode === 'enforce' } : {}),
    common_tls_context: {
      alpn_protocols: ['h2', 'http/1.1'],
      tls_certificates: [certificate(files)],
      ...(asksForCertificate ? { validation_context: { trusted_ca: file(files.authorities) } } : {}),
    },
  });
}

export interface Peer {
  /** PEM file. */
  readonly authorities: string;
  /** Names of which the peer's certificate has one: a URI, a DNS name or an IP address. */
  readonly names: readonly string[];
  /** Host name for the handshake (SNI). */
  readonly host: string;
  /** The certificate to show; undefined: none. */
  readonly as: TlsFiles | undefined;
}

export function clientTls({ authorities, names, host, as }: Peer): Json {
  return extension(TRANSPORT, 'upstreamTls', {
    ...(isAddress(host) ? {} : { sni: host }),
    common_tls_context: {
      ...(as ? { tls_certificates: [certificate(as)] } : {}),
      validation_context: {
        trusted_ca: file(authorities),
        match_typed_subject_alt_names: names.map((name) => ({
          san_type: kindOf(name),
          matcher: { exact: withoutBrackets(name) },
        })),
      },
    },
  });
}

function certificate({ certificate: chain, key }: TlsFiles): Json {
  return { certificate_chain: file(chain), private_key: file(key) };
}

function file(filename: string): Json {
  return { filename };
}

function kindOf(name: string): string {
  if (isAddress(name)) return 'IP_ADDRESS';
  return name.includes(':') ? 'URI' : 'DNS';
}

function isAddress(host: string): boolean {
  return isIP(withoutBrackets(host)) !== 0;
}

/** A URL writes an IPv6 address in brackets. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
