/**
 * Compiles every TypeScript block as a module of its own, with the project's settings. The modules exist in
 * memory only, at the repository's root, so that `waybill` resolves to the built package as it does for a user.
 */
import path from 'node:path';
import ts from 'typescript';
import type { Document, Problem } from './document.ts';

export function typeErrors(root: string, documents: readonly Document[]): Problem[] {
  const modules = new Map<string, { file: string; line: number; text: string }>();
  for (const { file, blocks } of documents) {
    for (const { language, text, line } of blocks) {
      if (language !== 'ts' && language !== 'typescript') continue;
      const name = `${file.replaceAll(/[^\w]/g, '-')}-${line}.ts`;
      modules.set(path.join(root, name), { file, line, text: `${text}\nexport {};\n` });
    }
  }
  if (modules.size === 0) return [];

  const options = settings(root);
  const host = ts.createCompilerHost(options);
  const { sys } = ts;
  host.fileExists = (name) => modules.has(path.normalize(name)) || sys.fileExists(name);
  host.readFile = (name) => modules.get(path.normalize(name))?.text ?? sys.readFile(name);
  const program = ts.createProgram([...modules.keys()], options, host);

  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, ' ');
    const module = file === undefined ? undefined : modules.get(path.normalize(file.fileName));
    if (file === undefined || module === undefined)
      return { file: file?.fileName ?? 'tsconfig.json', line: 1, text };
    return {
      file: module.file,
      line: module.line + file.getLineAndCharacterOfPosition(start ?? 0).line,
      text,
    };
  });
}

function settings(root: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)) as {
    config: unknown;
  };
  return {
    ...ts.parseJsonConfigFileContent(config, ts.sys, root).options,
    // A reader's program goes on where the block ends.
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
}
