/** Compiles a program of a user's, strictly, the way that a resolution mode does. */
import path from 'node:path';

import ts from 'typescript';

export type Resolution = 'nodenext' | 'bundler' | 'node10';

const modes: Readonly<Record<Resolution, ts.CompilerOptions>> = {
  nodenext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  node10: {
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    ignoreDeprecations: '6.0',
  },
};

/** @returns the errors of these files, and of the declarations of every package that they load. */
export function typeErrors(folder: string, resolution: Resolution, files: readonly string[]): string[] {
  const options: ts.CompilerOptions = {
    ...modes[resolution],
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts'],
    types: ['node'],
    typeRoots: [path.join(folder, 'node_modules/@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    outDir: path.join(folder, 'compiled', resolution),
  };
  const program = ts.createProgram(
    files.map((file) => path.join(folder, file)),
    options,
  );
  program.emit();
  // Those of the compiler itself and of Node are long, and none of ours.
  const declared = program
    .getSourceFiles()
    .filter((file) => !program.isSourceFileDefaultLibrary(file) && !file.fileName.includes('/@types/node/'));
  const errors = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...declared.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
  ];
  return errors.map(({ file, messageText, code }) => {
    const where = file ? path.relative(folder, file.fileName) : '';
    return `${where} TS${code}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
