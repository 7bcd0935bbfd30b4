/** Names of the public API, as the compiler sees them. */
import { expect } from 'chai';

import type { Entry } from '../../../scripts/check/api/entries.ts';
import { ambiguousNames, namesOf, programOf } from '../../../scripts/check/api/exports.ts';
import { withFolder } from '../../support/files.ts';

const entry = (source: string): Entry => ({
  ...{ name: source, source, declarations: '', report: '', beside: [] },
});

describe('what entrances export', () => {
  it('a name that two entrances declare is ambiguous, one that both pass on is not', () => {
    const found = withFolder(
      {
        'src/tsconfig.json': '{"compilerOptions":{"module":"esnext","types":[]}}',
        'src/kinds.ts': 'export type Kind = 1; export const list = [1];',
        'src/a.ts': `export type { Kind } from './kinds'; export { list } from './kinds'; export type Mode = 'a';`,
        'src/b.ts': `export { list as list, type Kind } from './kinds'; export type Mode = 'b';`,
      },
      (root) => {
        const entries = [entry('src/a.ts'), entry('src/b.ts')];
        const program = programOf(root, entries);
        return {
          ambiguous: ambiguousNames(root, program, entries),
          names: [...namesOf(root, program, entries)].sort(),
        };
      },
    );
    expect(found).to.deep.equal({ ambiguous: ['Mode'], names: ['Kind', 'list'] });
  });
});
