/** What the entrances export, as the compiler sees it. */
import path from 'node:path';
import ts from 'typescript';
import type { Entry } from './entries.ts';

/** The sources of entrances, with all that they import. */
export function programOf(root: string, entries: readonly Entry[]): ts.Program {
  const file = path.join(root, 'src/tsconfig.json');
  const { config } = ts.readConfigFile(file, (name) => ts.sys.readFile(name)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, path.dirname(file));
  const sources = entries.map(({ source }) => path.join(root, source));
  return ts.createProgram(sources, { ...options, noEmit: true });
}

/** The values that an entrance exports. */
export function valuesOf(root: string, program: ts.Program, entry: Entry): ts.Symbol[] {
  const checker = program.getTypeChecker();
  return exportsOf(root, program, entry)
    .filter((symbol) => !symbol.declarations?.some(ts.isTypeOnlyExportDeclaration))
    .map((symbol) => target(checker, symbol))
    .filter(({ flags }) => (flags & ts.SymbolFlags.Value) !== 0);
}

/** The names that entrances export, values and types; a name that stands for different things is not among them. */
export function namesOf(root: string, program: ts.Program, entries: readonly Entry[]): ReadonlySet<string> {
  return new Set(
    [...meaningsOf(root, program, entries)].filter(([, { size }]) => size === 1).map(([name]) => name),
  );
}

/** The others: what a name stands for must not depend on the entrance that it is imported from. */
export function ambiguousNames(root: string, program: ts.Program, entries: readonly Entry[]): string[] {
  return [...meaningsOf(root, program, entries)].filter(([, { size }]) => size > 1).map(([name]) => name);
}

function meaningsOf(
  root: string,
  program: ts.Program,
  entries: readonly Entry[],
): ReadonlyMap<string, ReadonlySet<ts.Symbol>> {
  const checker = program.getTypeChecker();
  const meanings = new Map<string, Set<ts.Symbol>>();
  for (const symbol of entries.flatMap((entry) => exportsOf(root, program, entry)))
    meanings.set(symbol.name, (meanings.get(symbol.name) ?? new Set()).add(target(checker, symbol)));
  return meanings;
}

function exportsOf(root: string, program: ts.Program, { source }: Entry): ts.Symbol[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path.join(root, source));
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`${source} is no module`);
  return checker.getExportsOfModule(module);
}

function target(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}
