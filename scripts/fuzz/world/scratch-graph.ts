/** A graph's text, compiled from a file in a folder of its own, as `waybill check` reads it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { compileGraph, type Compiled } from '../../../src/planning/compile.ts';
import { clock } from './shop.ts';

export interface ScratchGraph {
  readonly folder: string;
  readonly file: string;
  compile(text: string | Uint8Array): Compiled;
  /** Removes the folder. */
  close(): void;
}

export function scratchGraph(): ScratchGraph {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-fuzz-'));
  const file = path.join(folder, 'graph.yaml');
  return {
    folder,
    file,
    compile(text) {
      writeFileSync(file, text);
      return compileGraph([file], { clock });
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}
