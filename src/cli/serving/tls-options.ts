/** The options of `serve` that are about connections: speaking TLS, believing certificates, and proxies before it. */
import { createSecureContext } from 'node:tls';
import type { Command } from 'commander';
import { WaybillError } from '../../errors.ts';
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
    .option('--tls-cert <file>', 'speak TLS with this certificate chain (PEM); needs --tls-key')
    .option('--tls-key <file>', 'the private key of --tls-cert (PEM)')
    .option('--tls-client-ca <file>', 'authorities that vouch for certificates of clients (PEM)')
    .option('--client-cert-header <name>', 'the header in which a proxy passes the certificate of a client')
    .option(
      '--client-cert-from <address...>',
      'addresses or networks of that proxy; believed from no one else. Several take blanks between: name the graph before them',
    )
    .option(
      '--forwarded-from <address...>',
      'addresses or networks of proxies whose X-Forwarded-For says where a request comes from; believed from no one else. As above, after the graph',
    );
}

const MAX_PEM_BYTES = 1024 * 1024;

/** @throws WaybillError `usage` */
export function readTls(options: TlsArguments): TlsOptions | undefined {
  const { tlsCert, tlsKey, tlsClientCa } = options;
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new WaybillError('usage', 'TLS takes both --tls-cert and --tls-key.');
  }
  const tls: TlsOptions = {
    cert: readPem(tlsCert, '--tls-cert'),
    key: readPem(tlsKey, '--tls-key'),
    ...(tlsClientCa === undefined ? {} : { clientCa: readClientCa(tlsClientCa) }),
  };
  requireFitting(tls);
  return tls;
}

/** What OpenSSL says names no secret: that a key is not that of a certificate, or a text no PEM. */
function requireFitting({ cert, key, clientCa }: TlsOptions): void {
  try {
    createSecureContext({ cert, key, ca: clientCa === undefined ? [] : [clientCa] });
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new WaybillError('usage', `The files of --tls-cert and --tls-key do not fit together: ${code}.`);
  }
}

/** The files that `readTls` reads. */
export function tlsFiles({ tlsCert, tlsKey, tlsClientCa }: TlsArguments): string[] {
  return [tlsCert, tlsKey, tlsClientCa].filter((file) => file !== undefined);
}

/** What the server will see of the certificates of clients. */
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
    throw new WaybillError('usage', '--client-cert-header and --client-cert-from come together.');
  }
  const proxy = certificateProxy(clientCertHeader, clientCertFrom);
  if (proxy) return proxy;
  throw new WaybillError(
    'usage',
    '--client-cert-header takes the name of a header, --client-cert-from IP addresses or networks (10.1.0.0/16).',
  );
}

/** @throws WaybillError `usage` */
export function readForwardedFrom({ forwardedFrom }: TlsArguments): AddressList | undefined {
  if (forwardedFrom === undefined) return undefined;
  const list = addressList(forwardedFrom);
  if (list) return list;
  throw new WaybillError('usage', '--forwarded-from takes IP addresses or networks (10.1.0.0/16).');
}

function readClientCa(file: string): string {
  const pem = readPem(file, '--tls-client-ca');
  if (readCertificates(pem)) return pem;
  throw new WaybillError(
    'usage',
    `--tls-client-ca ${file} has no certificate, or one that cannot be read. No client could authenticate with one.`,
  );
}

function readPem(file: string, option: string): string {
  try {
    const text = readInputFile(file, MAX_PEM_BYTES).toString('utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch {
    // said below
  }
  throw new WaybillError('usage', `${option} ${file} cannot be read as PEM.`);
}
