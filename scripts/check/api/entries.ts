/** The entrances of the package, and where the report of each lies in the repository. */
import { existsSync } from 'node:fs';
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

const ENTRIES: readonly (readonly [name: string, module: string, beside?: readonly string[]])[] = [
  ['waybill', 'index'],
  ['waybill/middleware', 'middleware/index'],
  ['waybill/testing', 'testing/index', ['waybill', 'waybill/middleware']],
];

/** Where the reports lie. */
export const REPORTS = 'docs/reference/api';

export function entriesOf(root: string): Entry[] {
  return ENTRIES.map(([name, module, beside = []]) => ({
    name,
    declarations: `dist/${module}.d.ts`,
    source: `src/${module}.ts`,
    report: name.replace('/', '-'),
    beside,
  })).filter(({ source }) => existsSync(path.join(root, source)));
}
