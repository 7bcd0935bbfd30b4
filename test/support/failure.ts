/** What a test expects of an error. */
import { expect } from 'chai';

import { isWaybillError, type ErrorCode, type WaybillError } from '../../src/errors.ts';

/** Runs what must fail and returns its error; the error must be a WaybillError with this code, without any token. */
export async function failure(
  code: ErrorCode,
  act: () => unknown,
  ...secrets: string[]
): Promise<WaybillError> {
  let thrown: unknown;
  try {
    await act();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, `an error ${code}`).to.be.an('error');
  if (!isWaybillError(thrown)) throw thrown as Error;
  expect(thrown.code, thrown.message).to.equal(code);
  for (const secret of secrets) {
    for (const part of secret.split('.')) expectNoSecret(thrown, part);
  }
  return thrown;
}

function expectNoSecret(error: WaybillError, secret: string): void {
  if (secret.length < 8) return;
  expect(`${error.message} ${error.detail ?? ''} ${error.stack ?? ''}`).to.not.include(secret);
}
