import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { comparison } from '../../../scripts/baseline/comparison.ts';
import { NAMES } from '../../../scripts/baseline/hot-paths.ts';
import { KEPT, readBaseline, type Baseline, type Figures } from '../../../scripts/baseline/kept.ts';
import { GRAPH } from '../../../scripts/bench/online-boutique.ts';
import { runNode } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const PATHS = ['verify-leaf-cold', 'verify-leaf-cached'];

function runScript(...args: readonly string[]) {
  return runNode('--import=tsx', 'scripts/baseline/main.ts', ...args);
}

async function measured(...names: readonly string[]): Promise<Baseline> {
  const file = path.join(scratchFolder(), 'figures.json');
  const { status, output, errors } = await runScript(...names, '--save', file);
  expect({ status, output, errors }).to.deep.equal({ status: 0, output: '', errors: '' });
  return readBaseline(file);
}

function figuresOf({ paths }: Baseline, name: string): Figures {
  const figures = paths[name];
  if (!figures) throw new Error(`${name} was not measured`);
  return figures;
}

describe('npm run baseline', function () {
  this.timeout(600_000);
  let runs: readonly Baseline[];

  before(async () => {
    runs = await Promise.all([measured(...PATHS), measured(...PATHS)]);
  });
  after(removeScratch);

  it('measures the requested paths, and contains no time and no folder name', () => {
    expect(runs).to.have.lengthOf(2);
    for (const { paths, node } of runs) {
      expect(Object.keys(paths)).to.deep.equal(PATHS);
      expect(node).to.equal(process.versions.node);
      expect(JSON.stringify(paths)).to.not.include(root);
    }
  });

  for (const name of PATHS) {
    it(`counts the same bytes and calls of ${name} in two runs, and nearly the same allocations`, () => {
      const [first, second] = runs.map((one) => figuresOf(one, name));
      expect(second?.sizes).to.deep.equal(first?.sizes);
      expect(second?.calls).to.deep.equal(first?.calls);
      const ratio = (second?.allocations.heap ?? 0) / (first?.allocations.heap ?? 0);
      expect(ratio).to.be.closeTo(1, 0.02);
    });
  }

  it('counts a verification where the token is new, and none where it is cached', () => {
    const [cold, cached] = PATHS.map((name) => figuresOf(runs[0]!, name));
    expect(cold?.calls).to.include({ signatures: 0, verifications: 1 });
    expect(cached?.calls).to.include({ signatures: 0, verifications: 0 });
    expect(cold?.calls.waybill).to.be.above(cached?.calls.waybill ?? 0);
    expect(cached?.calls.waybill).to.be.above(0);
    expect(cold?.allocations.heap).to.be.above(cached?.allocations.heap ?? 0);
  });

  it('fails if garbage was collected while it measured', async () => {
    const { status, output, errors } = await runNode(
      ...['--expose-gc', '--max-semi-space-size=1', '--import=tsx'],
      ...['scripts/baseline/programs/allocations.ts', root, JSON.stringify({ embedding: GRAPH }), 'issue'],
    );
    expect(errors).to.match(/V8 collected garbage \d+ times: make the new space larger/);
    expect({ status, output }).to.deep.equal({ status: 1, output: '' });
  });

  it('says what is wrong with its arguments', async () => {
    const folder = scratchFolder();
    const results = path.join(root, 'scripts/bench/results.json');
    const wrong: readonly (readonly [args: readonly string[], says: string])[] = [
      [['isue'], `no path is named isue; there are ${NAMES.join(', ')}`],
      [['--checkout', folder], `${folder} has no dist: build it first`],
      [['--compare', results], `${results} holds no figures of npm run baseline`],
    ];
    for (const [args, says] of wrong)
      expect(await runScript(...args)).to.deep.equal({ status: 2, output: '', errors: `${says}\n` });
  });
});

describe('the kept baseline', () => {
  after(removeScratch);

  it('has every hot path, of a commit and not of changed files', () => {
    const { commit, paths } = readBaseline(KEPT);
    expect(commit).to.match(/^[0-9a-f]{40}$/);
    expect(Object.keys(paths)).to.deep.equal(NAMES);
  });

  it('says of a tree what the issuer says of it', () => {
    const { sizes, calls } = figuresOf(readBaseline(KEPT), 'issue');
    expect(sizes).to.deep.equal({ reads: 0, makes: 11_057 }); // the table of docs/sizes.md: checkout, nested
    expect(calls).to.include({ signatures: 12, verifications: 0 });
  });

  it('is refused if a figure is missing', () => {
    const broken = readFileSync(KEPT, 'utf8').replace('"heap"', '"heaps"');
    const file = scratchFile('broken.json', broken);
    expect(() => readBaseline(file)).to.throw(TypeError, 'holds no figures of npm run baseline');
    expect(() => readBaseline(`${file}.gone`)).to.throw(TypeError, 'cannot be read');
  });
});

describe('the comparison with a baseline', () => {
  const kept = readBaseline(KEPT);
  const rowOf = (text: string, name: string): string[] =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(/ {2,}/) ?? [];

  it('is 1.00 throughout for a baseline and itself', () => {
    const table = comparison(kept, kept);
    expect(NAMES).to.not.be.empty;
    for (const name of NAMES) {
      const row = rowOf(table, name);
      expect(
        row.filter((cell) => /^\d+\.\d\d$/.test(cell)),
        name,
      ).to.satisfy((ratios: string[]) => ratios.length >= 3 && ratios.every((ratio) => ratio === '1.00'));
    }
  });

  it('has the ratio of now to before', () => {
    const figures = figuresOf(kept, 'introspect');
    const { waybill, dependencies, node } = figures.calls;
    const calls = waybill + dependencies + node;
    const now = { ...figures, calls: { ...figures.calls, waybill: waybill + calls } };
    const table = comparison(kept, { ...kept, paths: { introspect: now } });
    expect(rowOf(table, 'introspect').slice(7, 10)).to.deep.equal([`${calls}`, `${2 * calls}`, '2.00']);
    expect(table).to.not.include('verify');
  });

  it('warns if another version of Node measured, and has no ratio for a new path', () => {
    const figures = figuresOf(kept, 'exchange');
    const table = comparison(kept, { ...kept, node: '99.0.0', paths: { revoke: figures } });
    expect(table).to.include('Node or its options differ');
    expect(rowOf(table, 'revoke').every((cell) => !cell.includes('.'))).to.equal(true);
    expect(comparison(kept, kept)).to.not.include('differ');
  });
});
