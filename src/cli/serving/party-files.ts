/** Reads the secrets and public keys of clients and services, which the graph only references. */
import { WaybillError } from '../../errors.ts';
import { sealedServices, type Plan } from '../../graph/index.ts';
import { authenticatingParties } from '../../issuer/index.ts';
import type { Steps } from '../../planning/index.ts';
import { readInputFile } from '../../input/input-file.ts';
import { InputFault, decodeInput, parseJsonInput } from '../../input/json-input.ts';

const MAX_SECRET_BYTES = 64 * 1024;
const MAX_KEY_SET_BYTES = 256 * 1024;

/** Every file that the graph names for a client or service: a secret, a key set, a bundle, keys for sealed tokens. */
export function partyFiles(plan: Plan): ReadonlySet<string> {
  const files = new Set<string>();
  for (const { auth } of authenticatingParties(plan).values()) {
    if ('secret' in auth && 'file' in auth.secret) files.add(auth.secret.file);
    if ('keys' in auth && 'file' in auth.keys) files.add(auth.keys.file);
  }
  for (const { encryption } of sealedServices(plan))
    if (encryption && 'file' in encryption.keys) files.add(encryption.keys.file);
  return files;
}

/**
 * Missing secrets are left out: the issuer reports them for all clients at once.
 *
 * @throws WaybillError `secret_missing` for a file that is not UTF-8: no client could send the decoded secret.
 */
export function* readSecrets(plan: Plan): Steps<Map<string, string>> {
  const secrets = new Map<string, string>();
  for (const { name, auth } of authenticatingParties(plan).values()) {
    if (!('secret' in auth)) continue;
    const { secret: source } = auth;
    const secret = 'env' in source ? process.env[source.env] : readSecret(name, source.file);
    if (secret) secrets.set(name, secret);
    yield;
  }
  return secrets;
}

function readSecret(name: string, file: string): string | undefined {
  const bytes = readBounded(file, MAX_SECRET_BYTES);
  try {
    return bytes && decodeInput(bytes).trim();
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    throw new WaybillError(
      'secret_missing',
      `${name} has no secret: ${file} cannot be read: ${error.message}.`,
    );
  }
}

/** @returns undefined where the file is missing. @throws WaybillError `keys_invalid` for one that is not JSON in UTF-8. */
export function readKeySet(name: string, file: string): unknown {
  const bytes = readBounded(file, MAX_KEY_SET_BYTES);
  try {
    return bytes && parseJsonInput(bytes);
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    throw new WaybillError(
      'keys_invalid',
      `${name} has no key set: ${file} cannot be read as JSON: ${error.message}.`,
    );
  }
}

function readBounded(file: string, maxBytes: number): Uint8Array | undefined {
  try {
    return readInputFile(file, maxBytes);
  } catch {
    return undefined;
  }
}
