/** Names from a request, for a message: there may be thousands of them. */

const MAX_NAMES = 10;

/** @returns the first ten, and how many more there are. */
export function nameList(names: readonly string[]): string {
  const first = names.slice(0, MAX_NAMES).join(' ');
  return names.length > MAX_NAMES ? `${first} and ${names.length - MAX_NAMES} more` : first;
}
