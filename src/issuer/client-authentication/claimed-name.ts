/** Who sends a request, as it says itself: to count failures, never to believe it. */
import { decodeJwt } from 'jose';
import { MAX_ASSERTION } from './assertion-claims.ts';
import type { Credentials } from './authenticate.ts';

/** @returns one text for whatever names nobody. */
export function claimedName(credentials: Credentials): string {
  const { clientId = '' } = credentials;
  // One that is too long is refused later, unread.
  if (!('assertion' in credentials) || credentials.assertion.length > MAX_ASSERTION) return clientId;
  try {
    const { sub } = decodeJwt(credentials.assertion);
    return typeof sub === 'string' ? sub : clientId;
  } catch {
    return clientId;
  }
}
