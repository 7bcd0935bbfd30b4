/**
 * With which scheme a refused request is told to try again: that with which its token came, or should have come. It is
 * noted beside the error, which says what is wrong whatever the scheme.
 */

import { isWaybillError, type WaybillError } from '../../errors.ts';
import type { TokenType } from '../../token/index.ts';

const ofDpop = new WeakSet<WaybillError>();

/** @returns the same error. */
export function challengedWithDpop<Thrown>(error: Thrown): Thrown {
  if (isWaybillError(error)) ofDpop.add(error);
  return error;
}

export function schemeOf(error: WaybillError): TokenType {
  return error.code === 'invalid_dpop_proof' || ofDpop.has(error) ? 'DPoP' : 'Bearer';
}
