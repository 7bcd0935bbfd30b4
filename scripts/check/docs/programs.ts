/** Runs every TypeScript block under `<!-- run -->` as a program of its own, in the repository's root. */
import { spawnSync } from 'node:child_process';
import ts from 'typescript';
import type { Block, Document, Problem } from './document.ts';

export const programsIn = ({ blocks }: Document): Block[] => blocks.filter(({ isProgram }) => isProgram);

/** @returns a problem for each program that does not end with exit code 0. */
export function failingPrograms(root: string, document: Document): Problem[] {
  return programsIn(document).flatMap(({ text, line }) => {
    const { status, stdout, stderr } = runModule(root, text);
    if (status === 0) return [];
    return [{ file: document.file, line, text: `the program ends with ${status}:\n${stdout}${stderr}` }];
  });
}

/** The module comes from standard input, so that `waybill` resolves to the built package as it does for a user. */
function runModule(root: string, text: string) {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const options = { cwd: root, input: outputText, encoding: 'utf8', timeout: 60_000 } as const;
  return spawnSync(process.execPath, ['--input-type=module', '-'], options);
}
