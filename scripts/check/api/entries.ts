/** The entrances of the package, and where the report of each lies in the repository. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Entry {
  /** What a program imports. */
  readonly name: string;
  /** Its declarations, relative to the repository. */
  readonly declarations: string;
  readonly source: string;
  /** The file name of its report, without its ending. */
  readonly report: string;
  /** Entrances of the same package from which programs import types that this one names. */
  readonly beside: readonly string[];
}

/** Which other entrances a program imports from, that imports from this one. */
function besideOf(name: string): readonly string[] {
  if (name === 'waybill/testing') return ['waybill', 'waybill/middleware'];
  return name.startsWith('waybill/middleware/') ? ['waybill/middleware'] : [];
}

/** Where the reports lie. */
export const REPORTS = 'docs/reference/api';

/** @returns what `exports` of package.json names, in its order. */
export function entriesOf(root: string): Entry[] {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { readonly types: string } | string>;
  };
  return Object.entries(exports)
    .flatMap(([entrance, target]) => {
      if (typeof target === 'string') return [];
      const name = path.posix.join('waybill', entrance);
      const declarations = path.posix.normalize(target.types);
      const source = declarations.replace(/^dist\/(.*)\.d\.ts$/, 'src/$1.ts');
      return [{ name, declarations, source, report: name.replaceAll('/', '-'), beside: besideOf(name) }];
    })
    .filter(({ source }) => existsSync(path.join(root, source)));
}
