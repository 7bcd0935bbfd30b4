/** Header lines as they were received: of repeated headers, `request.headers` joins some and drops others. */

/** @param rawHeaders names and values in turn, as Node has them. */
export function headerLines(rawHeaders: readonly string[]): [name: string, value: string][] {
  const lines: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    lines.push([rawHeaders[index]!, rawHeaders[index + 1]!]);
  return lines;
}

/** @param name in lower case. @returns the values of all lines with this name. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const found = rawHeaders[index]!;
    if (found.length === name.length && found.toLowerCase() === name) values.push(rawHeaders[index + 1]!);
  }
  return values;
}
