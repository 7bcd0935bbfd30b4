/** The certificate with which a service shows itself, from files that are written anew before it expires. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

import type { Clock } from '../../clock.ts';
import { issuerUnavailable } from '../../discovery/index.ts';
import { isWaybillError } from '../../errors.ts';
import { readCertificates } from '../../identity/index.ts';
import { usage } from '../option-checks.ts';

/** PEM, all of it. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/** Texts or files: a pair of the one or of the other. */
export interface CertificateSource {
  /** PEM: the certificate, then the intermediates that lead to its authority. */
  readonly cert?: string | undefined;
  /** PEM: its private key. */
  readonly key?: string | undefined;
  /** PEM: the authorities that vouch for the server's own certificate. Default: those that Node knows. */
  readonly ca?: string | undefined;
  /**
   * In place of `cert`, `key` and `ca`: files that hold them. They are read again when they change; a pair that does not
   * fit together, as while it is being written, leaves the one before in use until that one has expired.
   */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
}

type Texts = Pick<CertificateSource, 'cert' | 'key' | 'ca'>;

/** @throws WaybillError `usage` where they are no PEM, or not a pair. */
export function checkCertificate({ cert, key, ca }: Texts, option = 'credentials'): ClientCertificate {
  if (typeof cert !== 'string' || typeof key !== 'string' || !(ca === undefined || typeof ca === 'string')) {
    throw usage(`${option} takes cert and key, or certFile and keyFile`);
  }
  try {
    createSecureContext({ cert, key, ca });
    // With an empty `ca`, everyone whom the system trusts could pose as the issuer.
    const namesAuthority = ca === undefined || readCertificates(ca) !== undefined;
    if (cert !== '' && key !== '' && namesAuthority) return { cert, key, ca };
  } catch {
    // said below; what OpenSSL says of a key is not for a message
  }
  throw usage(
    `the certificate, its key and ca of ${option} must be PEM, and the key that of the certificate`,
  );
}

/**
 * @param option the name of the option, for messages.
 * @returns what gives the current certificate, out of texts or of files.
 * @throws WaybillError `usage`
 */
export function currentCertificate(
  source: CertificateSource,
  clock: Clock,
  option = 'credentials',
): () => Promise<ClientCertificate> {
  const { certFile, keyFile, caFile } = source;
  if (certFile !== undefined || keyFile !== undefined || caFile !== undefined)
    return certificateFiles(source, clock, option);
  const certificate = checkCertificate(source, option);
  return async () => certificate;
}

/**
 * @returns what gives the current one. It rejects with `issuer_unavailable` once the last good one has expired.
 * @throws WaybillError `usage` where the files are not good from the beginning.
 */
export function certificateFiles(
  options: CertificateSource,
  clock: Clock,
  option = 'credentials',
): () => Promise<ClientCertificate> {
  const { certFile, keyFile, caFile, cert, key, ca } = options;
  if (certFile === undefined || keyFile === undefined || cert !== undefined || key !== undefined) {
    throw usage(`${option} takes cert and key, or certFile and keyFile, and not a part of each`);
  }
  if (ca !== undefined && caFile !== undefined) throw usage(`${option} takes ca or caFile`);
  const names = [certFile, keyFile, ...(caFile === undefined ? [] : [caFile])];
  const fitting = ([certText, keyText, caText = ca]: readonly string[]) =>
    checkCertificate({ cert: certText, key: keyText, ca: caText }, option);
  let seen: string | undefined;
  let current = fitting(names.map((name) => readAtStart(name, option)));
  return async () => {
    try {
      const marks = await Promise.all(names.map(markOf));
      if (marks.join() === seen) return current;
      current = fitting(await Promise.all(names.map(async (name) => readFile(name, 'utf8'))));
      seen = marks.join();
    } catch (error) {
      requireAlive(current, { clock, option }, error);
    }
    return current;
  };
}

function readAtStart(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw usage(`the file ${file} of ${option} cannot be read`);
  }
}

/** Changes with the content of the file, also behind a symbolic link. */
async function markOf(file: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(file);
  return [ino, size, mtimeMs, ctimeMs].join(' ');
}

/** An unusable new file is an error only once the old certificate has expired. */
function requireAlive(
  { cert }: ClientCertificate,
  { clock, option }: { readonly clock: Clock; readonly option: string },
  cause: unknown,
): void {
  const { validTo } = new X509Certificate(cert);
  if (clock() * 1000 < Date.parse(validTo)) return;
  const reason = isWaybillError(cause) ? cause.message : 'a file cannot be read';
  throw issuerUnavailable(
    `the certificate of ${option} expired (${validTo}), and no new one can be used: ${reason}`,
    cause,
  );
}
