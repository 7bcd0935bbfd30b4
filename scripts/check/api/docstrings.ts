/** What the docstring of each exported value says: an effect, and an example that compiles. */
import path from 'node:path';
import ts from 'typescript';
import type { Block, Document, Problem } from '../docs/document.ts';
import { typeErrors } from '../docs/typescript.ts';
import type { Entry } from './entries.ts';
import { valuesOf } from './exports.ts';

/** @returns values without a docstring, or without an example, and examples that do not compile. */
export function docstringProblems(root: string, entries: readonly Entry[], program: ts.Program): Problem[] {
  const checker = program.getTypeChecker();
  const problems: Problem[] = [];
  const documents: Document[] = [];
  const seen = new Set<ts.Symbol>();
  for (const entry of entries) {
    for (const symbol of valuesOf(root, program, entry)) {
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

const BLOCK: Omit<Block, 'text' | 'line'> = { language: 'ts', outputOf: undefined, isProgram: false };
const EMPTY: Omit<Document, 'file' | 'blocks'> = {
  source: '',
  pictures: [],
  links: [],
  code: [],
  anchors: new Set(),
};

/** How many values an entrance exports. */
export function countValues(root: string, entry: Entry, program: ts.Program): number {
  return valuesOf(root, program, entry).length;
}

function examplesOf(symbol: ts.Symbol): string[] {
  return symbol
    .getJsDocTags()
    .filter(({ name }) => name === 'example')
    .flatMap(({ text }) => [...ts.displayPartsToString(text).matchAll(/```ts\n([\s\S]*?)```/g)])
    .map(([, code = '']) => code);
}
