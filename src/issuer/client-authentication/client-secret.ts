/** Authentication with a shared secret (RFC 6749 section 2.3.1). */
import { hash, timingSafeEqual } from 'node:crypto';
import { WaybillError } from '../../errors.ts';
import type { Steps } from '../../planning/index.ts';
import { partiesWith, type AuthenticationOptions, type Verify } from './parties.ts';

export interface ReceivedSecret {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly secret: string;
}

/**
 * Keeps digests only: they have one length, so comparing them reveals nothing about the length of a secret.
 *
 * @throws WaybillError `secret_missing` with the names of all that have none
 */
export function* secretAuthentication({
  plan,
  secrets,
}: AuthenticationOptions): Steps<Verify<ReceivedSecret>> {
  const parties = partiesWith(plan, 'client_secret_basic', 'client_secret_post');
  const missing = [...parties.values()].filter(({ name }) => !secrets.get(name));
  if (missing.length > 0) {
    const list = missing.map(({ name, auth: { secret } }) =>
      'env' in secret ? `${name} (environment variable ${secret.env})` : `${name} (file ${secret.file})`,
    );
    throw new WaybillError(
      'secret_missing',
      `These have no secret: ${list.join(', ')}. Set each before the issuer starts.`,
    );
  }
  const digests = new Map<string, Buffer>();
  for (const name of parties.keys()) {
    digests.set(name, digest(secrets.get(name) ?? ''));
    yield;
  }
  // An unknown name, a wrong secret and a client without a secret get the same answer after the same time.
  return ({ method, clientId, secret }) => {
    const party = parties.get(clientId);
    const same = timingSafeEqual(digests.get(clientId) ?? NOBODY, digest(secret));
    if (!party || !same) {
      const detail = party ? `wrong secret for ${party.name}` : 'no client with a secret';
      throw new WaybillError('invalid_client', 'Unknown client or wrong secret.', { detail });
    }
    if (party.auth.method !== method) {
      throw new WaybillError('invalid_client', `This client authenticates with ${party.auth.method}.`);
    }
    return party.name;
  };
}

/** By way of a text, because a digest as a buffer brings memory that only the garbage collector frees. */
function digest(secret: string): Buffer {
  return Buffer.from(hash('sha256', secret, 'hex'));
}

/** No secret has this digest. */
const NOBODY = Buffer.alloc(64);
