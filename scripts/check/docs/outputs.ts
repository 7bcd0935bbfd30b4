/** A block or a picture under `<!-- output: COMMAND -->` is what the command prints today. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Cli } from './cli.ts';
import type { Block, Document, Problem } from './document.ts';

const trimmed = (text: string): string => text.replaceAll(/(?<![ \t])[ \t]+$/gm, '').trimEnd();

export const outputsIn = ({ blocks }: Document): Block[] =>
  blocks.filter(({ outputOf }) => outputOf !== undefined);

export function staleOutputs(document: Document, cli: Cli): Problem[] {
  return outputsIn(document).flatMap(({ outputOf = '', text, line }) => {
    const printed = trimmed(cli.run(outputOf).stdout);
    if (printed === trimmed(text)) return [];
    return [
      { file: document.file, line, text: `"${outputOf}" prints something else (npm run docs):\n${printed}` },
    ];
  });
}

/** @returns the document's source with every such block replaced by what its command prints. */
export function withFreshOutputs({ source, blocks }: Document, cli: Cli): string {
  const lines = source.split('\n');
  for (const { outputOf, text, line } of blocks.toReversed()) {
    if (outputOf === undefined) continue;
    const printed = cli.run(outputOf);
    if (printed.stdout.trim() === '') throw new Error(`"${outputOf}" printed nothing: ${printed.stderr}`);
    const length = text === '' ? 0 : text.split('\n').length;
    lines.splice(line - 1, length, ...trimmed(printed.stdout).split('\n'));
  }
  return lines.join('\n');
}

/** A picture's file, with what its command draws today; `drawn` is empty where that fails. */
export function picturesIn(
  root: string,
  { file, pictures }: Document,
  cli: Cli,
): readonly {
  readonly path: string;
  readonly line: number;
  readonly drawn: string;
  readonly isFresh: boolean;
}[] {
  return pictures.map(({ url, line, outputOf }) => {
    const target = path.posix.join(path.posix.dirname(file), url);
    const at = path.join(root, target);
    const drawn = cli.run(outputOf).stdout;
    return { path: target, line, drawn, isFresh: existsSync(at) && readFileSync(at, 'utf8') === drawn };
  });
}

export function stalePictures(root: string, document: Document, cli: Cli): Problem[] {
  return picturesIn(root, document, cli)
    .filter(({ isFresh }) => !isFresh)
    .map(({ path: target, line }) => ({
      file: document.file,
      line,
      text: `${target} is not what its command draws (npm run docs)`,
    }));
}
