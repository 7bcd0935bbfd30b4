/** The client that a request claims to come from. Used to count failures, never to authenticate. */
import { decodeJwt } from 'jose';
import { attempt } from '../../input/attempt.ts';
import { MAX_ASSERTION } from './assertion-claims.ts';
import type { ReceivedCredentials } from './authenticate.ts';

/** @returns an empty text if the request names no client. */
export function claimedName(credentials: ReceivedCredentials): string {
  const { clientId = '' } = credentials;
  // An assertion that is too long is refused later, without decoding it.
  if (!('assertion' in credentials) || credentials.assertion.length > MAX_ASSERTION) return clientId;
  const { assertion } = credentials;
  const sub = attempt(() => decodeJwt(assertion).sub);
  return typeof sub === 'string' ? sub : clientId;
}
