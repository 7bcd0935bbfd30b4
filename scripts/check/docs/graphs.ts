/** Every graph that a document shows in full passes `waybill check`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Cli } from './cli.ts';
import type { Block, Document, Problem } from './document.ts';

/** A block is a whole graph when it begins as one; a fragment of a graph does not. Tests and overlays begin alike. */
const wholeGraph = /^(waybill: 1\b|# yaml-language-server:)(?![^]*^(?:tests:|overlay: true))/m;

export const graphsIn = ({ blocks }: Document): Block[] =>
  blocks.filter(({ language, text }) => /^ya?ml$/.test(language) && wholeGraph.test(text));

export function invalidGraphs(document: Document, cli: Cli): Problem[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-docs-'));
  try {
    return graphsIn(document).flatMap(({ text, line }) => {
      const file = path.join(folder, `line-${line}.yaml`);
      writeFileSync(file, `${text}\n`);
      const { status, stdout, stderr } = cli.run(`waybill check '${file}'`);
      if (status === 0) return [];
      return [{ file: document.file, line, text: `waybill check refuses this graph:\n${stdout}${stderr}` }];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
