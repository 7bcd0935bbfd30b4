/** Names from a request, for a message: there may be thousands of them. */

const MAX_NAMES = 10;
const FEW_NAMES = 5;

/** @returns the first ten, and how many more there are. */
export function nameList(names: readonly string[]): string {
  const first = names.slice(0, MAX_NAMES).join(' ');
  return names.length > MAX_NAMES ? `${first} and ${names.length - MAX_NAMES} more` : first;
}

/** For a finding: the first five, with commas, and how many more there are. */
export function fewNames(names: readonly string[]): string {
  const first = names.slice(0, FEW_NAMES).join(', ');
  return names.length > FEW_NAMES ? `${first} and ${names.length - FEW_NAMES} more` : first;
}
