import { expect } from 'chai';
import { readFileSync, readdirSync } from 'node:fs';
import { shippedGraphs } from '../support/graphs/shipped.ts';

const graphs = new URL('../../graphs/', import.meta.url);
const tutorial = readFileSync(new URL('../docs/tutorial.md', graphs), 'utf8');
const overview = readFileSync(new URL('README.md', graphs), 'utf8');

describe('The tutorial', () => {
  const blocks = [...tutorial.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const files = ['tutorial/', 'demo/'].flatMap((folder) =>
    readdirSync(new URL(folder, graphs), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => readFileSync(new URL(`${folder}${name}`, graphs), 'utf8')),
  );

  it('shows only parts of the files of the tutorial and of the demo', () => {
    expect(blocks).to.not.be.empty;
    const lines = (text: string): string => text.replaceAll(/^ +/gm, '');
    const unknown = blocks.filter((block) => !files.some((file) => lines(file).includes(lines(block))));
    expect(unknown).to.deep.equal([]);
  });
});

describe('graphs/README.md', () => {
  it('links every graph of the folder', () => {
    const names = shippedGraphs();
    expect(names.filter((name) => !overview.includes(`](${name})`))).to.deep.equal([]);
  });
});
