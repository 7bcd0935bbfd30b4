/** Which values a claim can have: its type, the values that it lists, and its bound. */
import type { ClaimDeclaration, ClaimType } from '../declare/declaration.ts';
import type { ClaimPlan, ClientPlan } from './plan.ts';
import { QUOTES, valueBytes } from './value-size.ts';

/** -9007199254740991 */
const LONGEST_INT = 17;
const LONGEST_BOOL = 'false'.length;
/** Of a value that comes from outside the graph. */
const LONGEST_ELSE = 256;

/**
 * The bound of a claim that has none of its own and whose value is not in the graph.
 *
 * @returns undefined where the graph has the value.
 */
export function defaultBound({ from, type, values }: ClaimDeclaration): number | undefined {
  if (from !== 'subject' && from !== 'request') return undefined;
  // A list may have any number of them.
  if (values && values.length > 0 && type && type.value !== 'any' && type.value !== 'strings')
    return Math.max(...values.map(({ value }) => valueBytes(value)));
  if (type?.value === 'int') return LONGEST_INT;
  return type?.value === 'bool' ? LONGEST_BOOL : LONGEST_ELSE;
}

/** Bytes of the largest value as JSON, quotes included where it can be a text. */
export function largestJson({ type }: Pick<ClaimPlan, 'type'>, bound: number): number {
  return type === 'any' || type === 'string' ? bound + QUOTES : bound;
}

/** Whether some tree of a client can carry the claim. What a gateway sets comes with the swap of an opaque token. */
export function mayHaveValue({ name, source }: ClaimPlan, client: ClientPlan): boolean {
  if ('value' in source) return true;
  switch (source.from) {
    case 'client':
      return client.claims.has(name);
    case 'subject':
      return client.subjects.length > 0;
    case 'request':
      return source.setBy === 'client' || client.token === 'opaque';
  }
}

/** Whether a value, as JSON has it, is of a type. */
export function isOfType(value: unknown, type: ClaimType): boolean {
  switch (type) {
    case 'any':
      return true;
    case 'string':
      return typeof value === 'string';
    case 'int':
      return Number.isSafeInteger(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'strings':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
  }
}

/** Whether a claim can have a value, whatever its size. A listed value counts for each member of a list. */
export function isAllowed(
  value: unknown,
  { type, values }: { readonly type: ClaimType; readonly values: readonly unknown[] | undefined },
): boolean {
  if (value === undefined || !isOfType(value, type)) return false;
  if (values === undefined) return true;
  return [value].flat().every((each) => values.includes(each));
}
