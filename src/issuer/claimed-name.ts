/** Who sends a request, as it says itself: to count failures, never to believe it. */
import { decodeJwt } from 'jose';
import type { Credentials } from './authenticate.ts';

/** @returns one text for whatever names nobody. */
export function claimedName(credentials: Credentials): string {
  const { clientId = '' } = credentials;
  if (!('assertion' in credentials)) return clientId;
  try {
    const { sub } = decodeJwt(credentials.assertion);
    return typeof sub === 'string' ? sub : clientId;
  } catch {
    return clientId;
  }
}
