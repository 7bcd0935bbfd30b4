/** Where a claim of a subject's token is found in it. */

/**
 * @param path the claim's name; or, where there is no claim of that name, steps with dots between them, as providers
 *   that nest their claims need it.
 * @returns undefined where there is nothing.
 */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}
