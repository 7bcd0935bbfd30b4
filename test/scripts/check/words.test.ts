import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { retiredWordUses } from '../../../scripts/check/words.ts';
import { retiredWords } from '../../../scripts/check/words/retired-words.ts';

const words = [
  { word: 'Misfit', pattern: /misfit/i, use: 'BudgetViolation' },
  { word: 'is told', pattern: /\bis told\b/i, use: '"is reported"' },
];

describe('retired words', () => {
  let root: string;

  function write(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'waybill-words-'));
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it('are reported in names, comments, messages and documents, each with the word to use', () => {
    write('src/misfit.ts', 'export const a = 1;\n');
    write(
      'src/plan.ts',
      "// nothing\nconst aMisfit = 1; // who fails is told\nthrow new Error('misfits');\n",
    );
    write('docs/deep/page.md', '# Page\n\nNobody is told.\n');
    write('README.md', 'A misfit.\n');
    expect(retiredWordUses(root, words)).to.deep.equal([
      'README.md:1: "Misfit" is retired, use BudgetViolation',
      'docs/deep/page.md:3: "is told" is retired, use "is reported"',
      'src/misfit.ts: "Misfit" is retired, use BudgetViolation',
      'src/plan.ts:2: "Misfit" is retired, use BudgetViolation',
      'src/plan.ts:2: "is told" is retired, use "is reported"',
      'src/plan.ts:3: "Misfit" is retired, use BudgetViolation',
    ]);
  });

  it('may stand in the changelog, in recorded data and in packages', () => {
    write('CHANGELOG.md', 'misfit\n');
    write('test/callgraphs/a.json', '"misfit"\n');
    write('examples/a/node_modules/b/c.js', 'misfit\n');
    write('src/picture.png', 'misfit');
    expect(retiredWordUses(root, words)).to.deep.equal([]);
  });

  it('are found by a pattern that finds the word as it is reported', () => {
    for (const { word, pattern } of retiredWords.filter(({ word }) => !word.includes('…')))
      expect(pattern.test(word) || pattern.test(word.replaceAll(' ', '-')), word).to.equal(true);
    expect(retiredWords).to.not.be.empty;
  });
});
