/** The lines of one header, however many there are: Node joins or drops the later ones of some. */
import type { IncomingMessage } from 'node:http';

/** @param name in small letters. */
export function headerLines({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>, name: string): string[] {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const found = rawHeaders[i]!;
    if (found.length === name.length && found.toLowerCase() === name) lines.push(rawHeaders[i + 1]!);
  }
  return lines;
}
