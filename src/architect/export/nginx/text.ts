/** Texts as nginx reads them. */
import { usageError } from '../../../errors.ts';

export function block(head: string, lines: readonly string[]): string {
  const inside = lines.flatMap((line) => line.split('\n')).map((line) => `    ${line}`);
  return [`${head} {`, ...inside, '}'].join('\n');
}

/**
 * Inside double quotes a `$` begins a variable, and nothing escapes it.
 *
 * @throws WaybillError `usage`
 */
export function quoted(text: string): string {
  if (/[$\p{Cc}]/u.test(text))
    throw usageError(`nginx cannot read ${JSON.stringify(text)}: it has a \`$\` or a control character.`);
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
