/**
 * Patterns of paths: `*` stands for any characters of one name, `**` for any number of folders. Matching takes at most the
 * product of the two lengths: there is no regular expression in it.
 */

/** @returns what is wrong with a pattern, as the end of a sentence; nothing where it can match. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.includes('\\')) return 'has a backslash: folders are separated by `/`';
  const names = pattern.split('/');
  if (names.some((name) => name === '' || name === '.' || name === '..'))
    return 'is no path below the file that lists the owners';
  if (names.some((name) => name.includes('**') && name !== '**'))
    return 'has `**` beside other characters: it stands for whole folders';
  return undefined;
}

/**
 * @param path relative, with `/` between its names.
 *
 * @example
 * ```ts
 * matchesPath('payments/**', 'payments/eu/cards.yaml'); // true
 * matchesPath('*.yaml', 'payments/cards.yaml'); // false
 * ```
 */
export function matchesPath(pattern: string, path: string): boolean {
  const isFolders = (name: string) => name === '**';
  return matches(pattern.split('/'), path.split('/'), isFolders, matchesName);
}

function matchesName(pattern: string, name: string): boolean {
  const isStar = (character: string) => character === '*';
  return matches([...pattern], [...name], isStar, (expected, character) => expected === character);
}

/** After a mismatch only the last star is tried anew, one further: all before it can stay as it is. */
function matches(
  pattern: readonly string[],
  parts: readonly string[],
  isStar: (item: string) => boolean,
  fits: (item: string, part: string) => boolean,
): boolean {
  let item = 0;
  let part = 0;
  let star = -1;
  let covered = 0;
  while (part < parts.length) {
    const expected = pattern[item];
    if (expected !== undefined && isStar(expected)) {
      star = item++;
      covered = part;
    } else if (expected !== undefined && fits(expected, parts[part]!)) {
      item++;
      part++;
    } else if (star >= 0) {
      item = star + 1;
      part = ++covered;
    } else return false;
  }
  return pattern.slice(item).every(isStar);
}
