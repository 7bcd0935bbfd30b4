/** Options of `serve` for connections: TLS, client certificates and proxies. */
import { createSecureContext } from 'node:tls';
import type { Command } from 'commander';
import { usageError } from '../../errors.ts';
import {
  addressList,
  certificateProxy,
  readCertificates,
  type AddressList,
  type CertificateProxy,
} from '../../identity/index.ts';
import type { ClientCertificates, TlsOptions } from '../../issuer/http/index.ts';
import { readInputFile } from '../../input/input-file.ts';

export interface TlsArguments {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly clientCertHeader?: string;
  readonly clientCertFrom?: readonly string[];
  readonly forwardedFrom?: readonly string[];
}

export function withTlsOptions(command: Command): Command {
  return command
    .option('--tls-cert <file>', 'serve TLS with this certificate chain (PEM); needs --tls-key')
    .option('--tls-key <file>', 'the private key of --tls-cert (PEM)')
    .option('--tls-client-ca <file>', 'the certificate authorities of clients (PEM)')
    .option('--client-cert-header <name>', "the header in which a proxy passes the client's certificate")
    .option(
      '--client-cert-from <address...>',
      'addresses or networks of that proxy; the header is ignored from others. Separate several by spaces, and put the graph before this option',
    )
    .option(
      '--forwarded-from <address...>',
      'addresses or networks of proxies whose X-Forwarded-For is trusted. Separate several by spaces, and put the graph before this option',
    );
}

const MAX_PEM_BYTES = 1024 * 1024;

/** @throws WaybillError `usage` */
export function readTls(options: TlsArguments): TlsOptions | undefined {
  const { tlsCert, tlsKey, tlsClientCa } = options;
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw usageError('TLS needs both --tls-cert and --tls-key.');
  }
  const tls: TlsOptions = {
    cert: readPem(tlsCert, '--tls-cert'),
    key: readPem(tlsKey, '--tls-key'),
    ...(tlsClientCa === undefined ? {} : { clientCa: readClientCa(tlsClientCa) }),
  };
  requireFitting(tls);
  return tls;
}

/** OpenSSL's error codes contain no secrets, so they may be shown. */
function requireFitting({ cert, key, clientCa }: TlsOptions): void {
  try {
    createSecureContext({ cert, key, ca: clientCa === undefined ? [] : [clientCa] });
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw usageError(`The files of --tls-cert and --tls-key do not match: ${code}.`);
  }
}

export function tlsFiles({ tlsCert, tlsKey, tlsClientCa }: TlsArguments): string[] {
  return [tlsCert, tlsKey, tlsClientCa].filter((file) => file !== undefined);
}

/** What the server can see of client certificates. */
export function clientCertificatesOf(
  tls: TlsOptions | undefined,
  proxy: CertificateProxy | undefined,
): ClientCertificates {
  if (proxy || tls?.clientCa !== undefined) return 'verified';
  return tls ? 'presented' : 'none';
}

/** @throws WaybillError `usage` */
export function readProxy({ clientCertHeader, clientCertFrom }: TlsArguments): CertificateProxy | undefined {
  if (clientCertHeader === undefined && clientCertFrom === undefined) return undefined;
  if (clientCertHeader === undefined || clientCertFrom === undefined) {
    throw usageError('--client-cert-header and --client-cert-from must be used together.');
  }
  const proxy = certificateProxy(clientCertHeader, clientCertFrom);
  if (proxy) return proxy;
  throw usageError(
    '--client-cert-header must be a header name, --client-cert-from IP addresses or networks (10.1.0.0/16).',
  );
}

/** @throws WaybillError `usage` */
export function readForwardedFrom({ forwardedFrom }: TlsArguments): AddressList | undefined {
  if (forwardedFrom === undefined) return undefined;
  const list = addressList(forwardedFrom);
  if (list) return list;
  throw usageError('--forwarded-from must be IP addresses or networks (10.1.0.0/16).');
}

function readClientCa(file: string): string {
  const pem = readPem(file, '--tls-client-ca');
  if (readCertificates(pem)) return pem;
  throw usageError(
    `--tls-client-ca ${file} contains no certificate, or one that cannot be read, so no client could authenticate with a certificate.`,
  );
}

function readPem(file: string, option: string): string {
  try {
    const text = readInputFile(file, MAX_PEM_BYTES).toString('utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch {
    // reported below
  }
  throw usageError(`${option} ${file} cannot be read as PEM.`);
}
