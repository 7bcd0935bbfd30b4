import { WaybillError } from '../../errors.ts';

/** A packed token that is not what the encoder writes. The reason never quotes it. */
export function refused(reason: string): WaybillError {
  return new WaybillError('token_packed', `the packed token cannot be unpacked: ${reason}`);
}

export function overLimit(what: string, limit: number): WaybillError {
  return new WaybillError('token_tree_too_large', `the packed token has ${what}, the limit is ${limit}`);
}
