/** What the graph only points to: the secrets and the public keys of clients and services. */
import { readFileSync, statSync } from 'node:fs';
import { authenticatingParties, type Plan } from '../index.ts';

const MAX_SECRET_BYTES = 64 * 1024;
const MAX_KEY_SET_BYTES = 256 * 1024;

/** Every file that the graph names for a party: a secret, a key set, a bundle. */
export function partyFiles(plan: Plan): ReadonlySet<string> {
  const files = new Set<string>();
  for (const { auth } of authenticatingParties(plan).values()) {
    if ('secret' in auth && 'file' in auth.secret) files.add(auth.secret.file);
    if ('keys' in auth && 'file' in auth.keys) files.add(auth.keys.file);
  }
  return files;
}

/** Where a secret is missing, the issuer itself says so, for all clients at once. */
export function readSecrets(plan: Plan): Map<string, string> {
  const secrets = new Map<string, string>();
  for (const { name, auth } of authenticatingParties(plan).values()) {
    if (!('secret' in auth)) continue;
    const { secret: source } = auth;
    const secret =
      'env' in source ? process.env[source.env] : readBounded(source.file, MAX_SECRET_BYTES)?.trim();
    if (secret) secrets.set(name, secret);
  }
  return secrets;
}

/** Where a file is missing or is no JSON, the issuer says so too. A bundle that many name is read once. */
export function readKeySets(plan: Plan): Map<string, unknown> {
  const documents = new Map<string, unknown>();
  const keySets = new Map<string, unknown>();
  for (const { name, auth } of authenticatingParties(plan).values()) {
    if (!('keys' in auth) || !('file' in auth.keys)) continue;
    const { file } = auth.keys;
    if (!documents.has(file)) documents.set(file, parsed(readBounded(file, MAX_KEY_SET_BYTES)));
    keySets.set(name, documents.get(file));
  }
  return keySets;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function readBounded(file: string, maxBytes: number): string | undefined {
  try {
    return statSync(file).size > maxBytes ? undefined : readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
