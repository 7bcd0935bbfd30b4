/** A block under `<!-- output: COMMAND -->` is what the command prints today. */
import type { Cli } from './cli.ts';
import type { Block, Document, Problem } from './document.ts';

const trimmed = (text: string): string => text.replaceAll(/[ \t]+$/gm, '').trimEnd();

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
