/** Texts as HAProxy's configuration reads them. */

/** Inside single quotes nothing has a meaning; a quote itself cannot stand there. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** A regular expression of PCRE that must match the whole text. */
export function wholeExpression(expression: string): string {
  const [, flags = '', rest = expression] = /^(\(\?i\))?(.*)$/su.exec(expression) ?? [];
  return quoted(`${flags}^(?:${rest})$`);
}

export function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A condition in place: all of them must hold. */
export function when(...conditions: readonly string[]): string {
  return conditions
    .map((condition) => (condition.startsWith('!') ? `!{ ${condition.slice(1)} }` : `{ ${condition} }`))
    .join(' ');
}

export function section(head: string, lines: readonly string[]): string {
  return [head, ...lines.map((line) => `    ${line}`)].join('\n');
}
