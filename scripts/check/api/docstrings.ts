/** What the docstring of each exported value says: an effect, and an example that compiles. */
import path from 'node:path';
import ts from 'typescript';
import type { Block, Document, Problem } from '../docs/document.ts';
import { typeErrors } from '../docs/typescript.ts';
import type { Entry } from './entries.ts';

/** @returns values without a docstring, or without an example, and examples that do not compile. */
export function docstringProblems(root: string, entries: readonly Entry[]): Problem[] {
  const program = ts.createProgram(
    entries.map(({ source }) => path.join(root, source)),
    { ...settings(root), noEmit: true },
  );
  const checker = program.getTypeChecker();
  const problems: Problem[] = [];
  const documents: Document[] = [];
  const seen = new Set<ts.Symbol>();
  for (const entry of entries) {
    for (const symbol of valuesOf(program, checker, path.join(root, entry.source))) {
      const declaration = symbol.declarations?.[0];
      if (!declaration || seen.has(symbol)) continue;
      seen.add(symbol);
      const source = declaration.getSourceFile();
      const file = path.relative(root, source.fileName);
      const line = source.getLineAndCharacterOfPosition(declaration.getStart()).line + 1;
      const missing = (text: string): void =>
        void problems.push({ file, line, text: `${symbol.name} of ${entry.name} ${text}` });
      if (symbol.getDocumentationComment(checker).length === 0) missing('has no docstring');
      const examples = examplesOf(symbol);
      if (examples.length === 0) missing('has no @example with a block of ts');
      else documents.push({ ...EMPTY, file, blocks: examples.map((text) => ({ ...BLOCK, text, line })) });
    }
  }
  return [...problems, ...typeErrors(root, documents)];
}

const BLOCK: Omit<Block, 'text' | 'line'> = { language: 'ts', outputOf: undefined };
const EMPTY: Omit<Document, 'file' | 'blocks'> = {
  source: '',
  pictures: [],
  links: [],
  code: [],
  anchors: new Set(),
};

/** How many values an entrance exports. */
export function countValues(root: string, { source }: Entry): number {
  const file = path.join(root, source);
  const program = ts.createProgram([file], settings(root));
  return valuesOf(program, program.getTypeChecker(), file).length;
}

function valuesOf(program: ts.Program, checker: ts.TypeChecker, file: string): ts.Symbol[] {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is no module`);
  return checker
    .getExportsOfModule(module)
    .filter((symbol) => !symbol.declarations?.some(ts.isTypeOnlyExportDeclaration))
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .filter(({ flags }) => (flags & ts.SymbolFlags.Value) !== 0);
}

function examplesOf(symbol: ts.Symbol): string[] {
  return symbol
    .getJsDocTags()
    .filter(({ name }) => name === 'example')
    .flatMap(({ text }) => [...ts.displayPartsToString(text).matchAll(/```ts\n([\s\S]*?)```/g)])
    .map(([, code = '']) => code);
}

function settings(root: string): ts.CompilerOptions {
  const file = path.join(root, 'src/tsconfig.json');
  const { config } = ts.readConfigFile(file, (name) => ts.sys.readFile(name)) as { config: unknown };
  return ts.parseJsonConfigFileContent(config, ts.sys, path.dirname(file)).options;
}
