/**
 * The scheme in the challenge of a refused request: the one that its token came with, or should have come with. It is
 * stored beside the error, whose code and message do not depend on it.
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
