/** Folders and graphs that a test writes, gone when it ends. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { compileGraph } from '../../src/planning/compile.ts';
import type { Plan } from '../../src/graph/index.ts';

const made = new Set<string>();

/** A new empty folder. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-test-'));
  made.add(folder);
  return folder;
}

/** Call in `after`. */
export function removeScratch(): void {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
  made.clear();
}

/** @returns the path of a file with this content, in a folder of its own unless one is named. */
export function scratchFile(name: string, content: string | Uint8Array, folder = scratchFolder()): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** Compiles a graph that has no error; says which ones it has where it does. */
export function planOf(text: string, variables: Readonly<Record<string, string>> = {}): Plan {
  return planAt([scratchFile('graph.yaml', text)], variables);
}

export function planAt(paths: readonly string[], variables: Readonly<Record<string, string>> = {}): Plan {
  const { plan, findings } = compileGraph(paths, { variables: new Map(Object.entries(variables)) });
  if (plan) return plan;
  const errors = findings.filter(({ severity }) => severity === 'error');
  throw new Error(errors.map(({ code, message }) => `${code}: ${message}`).join('\n'));
}

/** Compiles a graph whose sizes need not hold. */
export function draftOf(text: string): Plan {
  const { draft, findings } = compileGraph([scratchFile('graph.yaml', text)]);
  if (!draft) throw new Error(findings.map(({ code, message }) => `${code}: ${message}`).join('\n'));
  return draft;
}
