/** Claims of the request (`from: request` in the graph), as a client or a gateway sets them. */
import { usage } from '../option-checks.ts';

/** Values by the names of the claims; one that is undefined is not set. */
export type RequestValues = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/**
 * @param option names the values in an error, which has none of them.
 * @returns the values as JSON; undefined if there are none.
 * @throws WaybillError `usage`
 */
export function requestText(values: unknown, option: string): string | undefined {
  if (values === undefined) return undefined;
  const isObject = typeof values === 'object' && values !== null && !Array.isArray(values);
  if (!isObject || !Object.values(values).every(isValue))
    throw usage(`${option} takes texts, whole numbers, booleans and lists of texts by name`);
  const text = JSON.stringify(values);
  return text === '{}' ? undefined : text;
}

function isValue(value: unknown): boolean {
  return (
    ['string', 'boolean', 'undefined'].includes(typeof value) ||
    Number.isSafeInteger(value) ||
    (Array.isArray(value) && value.every((each) => typeof each === 'string'))
  );
}
