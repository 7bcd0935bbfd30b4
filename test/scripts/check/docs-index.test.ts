import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

describe('The index of the documentation', () => {
  it('links every page', () => {
    const docs = path.resolve('docs');
    const linked = ['README.md', 'decisions/README.md'].flatMap((index) =>
      [...readFileSync(path.join(docs, index), 'utf8').matchAll(/\]\(([\w./-]+\.md)/g)].map(
        ([, target = '']) => path.posix.join(path.posix.dirname(index), target),
      ),
    );
    const pages = readdirSync(docs, { encoding: 'utf8', recursive: true })
      .map((name) => name.split(path.sep).join('/'))
      .filter((name) => name.endsWith('.md') && name !== 'README.md');
    expect(pages).to.not.be.empty;
    expect(pages.filter((page) => !linked.includes(page))).to.deep.equal([]);
  });
});
