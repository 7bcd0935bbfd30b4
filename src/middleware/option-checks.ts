/** How a wrong option is refused: by name, when a service starts. */

import { WaybillError } from '../errors.ts';

export function usage(message: string): WaybillError<'usage'> {
  return new WaybillError('usage', message);
}

/** Unknown names are refused: a slip in `caller` or `scope` must not pass for its absence. */
export function requireNames(value: unknown, known: readonly string[], where: string): void {
  if (typeof value !== 'object' || value === null) throw usage(`${where} takes an object`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw usage(`${where} has no option ${JSON.stringify(unknown)}; it has ${known.join(', ')}`);
}

export function requireText(value: unknown, option: string): string {
  if (typeof value !== 'string' || value === '') throw usage(`${option} must be a non-empty string`);
  return value;
}
