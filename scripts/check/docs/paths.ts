/** Every path of a file of the repository that a document names in code, or in a command, exists. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Document, Problem } from './document.ts';

const ownPath = /^(?:src|test|scripts|schemas|docs)\/[\w./-]+$/;
const shells = new Set(['sh', 'bash', 'shell', 'console']);

export function missingPaths(root: string, { file, blocks, code }: Document): Problem[] {
  const commands = blocks
    .filter(({ language }) => shells.has(language))
    .flatMap(({ text, line }) => text.split('\n').map((part, index) => ({ text: part, line: line + index })));
  return [...code, ...commands].flatMap(({ text, line }) =>
    text
      .split(/\s+/)
      .filter((word) => ownPath.test(word) && !existsSync(path.join(root, word)))
      .map((word) => ({ file, line, text: `${word}: no such file` })),
  );
}
