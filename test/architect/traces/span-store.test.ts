import { readdirSync } from 'node:fs';

import { expect } from 'chai';

import { ImportWarnings } from '../../../src/architect/traces/import-warnings.ts';
import { SpanStore } from '../../../src/architect/traces/spans/span-store.ts';
import type { Span } from '../../../src/architect/traces/spans/span.ts';
import { removeScratch, scratchFolder } from '../../support/files.ts';

const span = (trace: string, id: string): Span => ({
  trace,
  id,
  parent: '',
  service: 'shop',
  operation: 'GET /',
  kind: 'server',
  shared: false,
  follows: false,
  folded: false,
  peer: undefined,
});

describe('spans that do not fit in memory', () => {
  after(removeScratch);

  it('are unlinked while on disk, so a killed run leaves nothing', () => {
    const folder = scratchFolder();
    const store = new SpanStore({ kept: 200, folder });
    const added = Array.from({ length: 90 }, (_, index) => span(`t${index % 30}`, String(index)));
    const seen: string[] = [];
    try {
      for (const one of added) store.add(one);
      seen.push(...readdirSync(folder));
      const traces = [...store.traces(new ImportWarnings())];
      expect(traces.map((spans) => spans.length)).to.deep.equal(Array(30).fill(3));
      expect(traces.flat()).to.have.deep.members(added);
    } finally {
      store.close();
    }
    expect(seen.concat(readdirSync(folder))).to.deep.equal([]);
  });
});
