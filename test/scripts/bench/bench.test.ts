import { expect } from 'chai';
import type { Run } from '../../../scripts/bench/run.ts';
import type { Spread } from '../../../scripts/bench/spread.ts';
import { hasEnvoy } from '../../support/envoy.ts';
import { runNode } from '../../support/program.ts';

const WITHOUT_ENVOY = 'all with Envoy, which is neither on the PATH nor named by WAYBILL_ENVOY.';

function runScript(script: string, ...args: readonly string[]) {
  return runNode('--expose-gc', '--import', 'tsx', script, ...args);
}

describe('npm run bench', function () {
  this.timeout(600_000);
  let run: Run;

  // The shortest run of all parts: what comes out means nothing, that it comes out is what counts.
  before(async function () {
    if (process.platform !== 'linux') {
      console.log('    skipped: the CPU time of a server is read from /proc, which only Linux has');
      this.skip();
    }
    const args = ['--json', '--rounds', '1', '--ms', '2'];
    const { status, output, errors } = await runScript('scripts/bench/main.ts', ...args);
    expect(status).to.equal(0);
    expect(errors.split('\n')).to.deep.equal([
      '1 of 7: Issuing 16 tokens in process',
      '2 of 7: What the graph language costs when it is used',
      '3 of 7: The token endpoint over HTTP',
      '4 of 7: Verifying, unwrapping and handing out a child',
      '5 of 7: An order through nine services',
      '6 of 7: What grows with what',
      '7 of 7: A request and its call, through Envoy or in Express',
      '',
    ]);
    run = JSON.parse(output) as Run;
  });

  it('says where it ran, and how long', () => {
    expect(run.machine.node).to.equal(process.versions.node);
    expect(run).to.include({ rounds: 1, ms: 2 });
  });

  for (const [part, ratio] of [
    ['issue', 'Waybill, nested / bare signatures'],
    ['features', 'one sealed token / nothing'],
    ['endpoint', 'CPU: one token / oidc-provider'],
    ['extractor', 'checkout packed: Waybill, cached / bare verification'],
    ['order', 'p99: embed, packed / exchange at every hop'],
    ['scale', 'issue 100 tokens / 100 times one token'],
    ['mesh', '49 KB: Express with the extractor / Express alone'],
  ] as const) {
    it(`measures ${part}`, () => {
      const { ratios, figures, notes } = partOf(run, part);
      expect(ratios.map(({ name }) => name)).to.include(ratio);
      expect(notes).to.not.be.empty;
      expectSane(ratios);
      expectSane(figures.map((one) => ({ ...one, name: `${one.name}, ${one.unit}` })));
    });
  }

  it('compares Envoys where there is one, and says what is missing', () => {
    const { ratios, skipped } = partOf(run, 'mesh');
    const compared = ratios.map(({ name }) => name).filter((name) => name.endsWith(' / Envoy alone'));
    for (const side of ['as exported', 'and a sidecar over HTTP', 'and a sidecar over gRPC'])
      expect(compared.includes(`2.4 KB: Envoy ${side} / Envoy alone`), side).to.equal(hasEnvoy);
    expect(skipped?.includes(WITHOUT_ENVOY)).to.equal(!hasEnvoy);
  });

  it('asks the issuer once in an order where tokens are embedded, and for each callee where they are exchanged', () => {
    const requests = partOf(run, 'order').figures.filter(({ name }) => name.endsWith(': token requests'));
    expect(requests.map(({ median }) => median)).to.deep.equal([1, 12, 1, 1]);
  });
});

describe('npm run bench, used wrongly', function () {
  this.timeout(600_000);

  it('says what is wrong', async () => {
    const script = 'scripts/bench/main.ts';
    const [unknown, some] = await Promise.all([
      runScript(script, 'isue'),
      runScript(script, '--save', 'issue'),
    ]);
    expect(unknown.status).to.equal(2);
    expect(unknown.errors).to.equal(
      'no part is named isue; there are issue, features, endpoint, extractor, order, scale, mesh\n',
    );
    expect(some.status).to.equal(2);
    expect(some.errors).to.equal('--save keeps a run of all parts\n');
  });
});

function partOf({ parts }: Run, name: string): Run['parts'][number] {
  const found = parts.find((part) => part.name === name);
  if (!found) throw new Error(`${name} was not measured`);
  return found;
}

interface Named extends Spread {
  readonly name: string;
}

function expectSane(values: readonly Named[]): void {
  expect(new Set(values.map(({ name }) => name)).size, 'names').to.equal(values.length);
  for (const { name, low, median, high } of values) {
    expect(low, name).to.be.above(0).and.to.be.at.most(median);
    expect(high, name).to.be.at.least(median).and.to.be.finite;
  }
}
