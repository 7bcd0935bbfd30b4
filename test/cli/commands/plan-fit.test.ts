import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { run } from '../../support/program.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';

const boutique = fileURLToPath(new URL('../../../graphs/online-boutique.yaml', import.meta.url));

interface InEither<Value> {
  readonly nested: Value;
  readonly packed: Value;
}
interface Advice {
  readonly tokens: number;
  readonly bytes: InEither<number>;
  readonly fits: InEither<boolean>;
  readonly profiles: readonly {
    readonly profile: string;
    readonly on_path: boolean;
    readonly limit: number;
    readonly bytes: InEither<number>;
    readonly passes: InEither<boolean>;
  }[];
  readonly what_if: readonly {
    readonly change: string;
    readonly what: string;
    readonly bytes: InEither<number>;
    readonly fits: InEither<boolean>;
  }[];
}

async function advise(graph: string, client: string, scope: string): Promise<Advice> {
  const { code, stdout, stderr } = await run([
    'plan',
    graph,
    '--client',
    client,
    '--scope',
    scope,
    '--fit',
    '--json',
  ]);
  expect(code, stderr).to.equal(0);
  return JSON.parse(stdout) as Advice;
}

/** One token of six that does not fit nested. */
const tight = `
waybill: 1
issuer: { url: 'https://tokens.example', overflow: exchange }
defaults: { audience: 'https://{name}.example', headers: { max_line: 2000B } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: W }, calls: { shop: [buy] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: S }
    scopes: { buy: { calls: { a: [x], b: [x], c: [x], d: [x] } } }
  a: { scopes: { x: {} } }
  b: { scopes: { x: {} } }
  c: { scopes: { x: {} } }
  d: { scopes: { x: {} } }
`;

describe('waybill plan --fit', () => {
  after(removeScratch);

  it('says of each profile on the way, and of common others, what passes', async () => {
    const { profiles, tokens } = await advise(boutique, 'storefront', 'checkout');
    expect(tokens).to.equal(12);
    for (const { profile, limit, bytes, passes } of profiles) {
      expect(passes, profile).to.deep.equal({ nested: bytes.nested <= limit, packed: bytes.packed <= limit });
    }
    const nginx = profiles.find(({ profile }) => profile === 'nginx');
    expect(nginx?.on_path).to.equal(false);
    expect(nginx?.passes).to.deep.equal({ nested: false, packed: true });
    expect(profiles.find(({ profile }) => profile === 'istio')?.on_path).to.equal(true);
  });

  it('shows the effect of another algorithm, shorter ids and an exchange', async () => {
    const graph = scratchFile('tight.yaml', tight);
    const { bytes, fits, what_if: changes } = await advise(graph, 'web', 'buy');
    expect(fits).to.deep.equal({ nested: false, packed: true });
    const found = (change: string, what = '') =>
      changes.find((one) => one.change === change && one.what.includes(what));
    expect(found('signing', 'RS256')?.bytes.nested).to.be.greaterThan(bytes.nested);
    expect(found('exchange', 'shop -> ')?.bytes.nested).to.be.lessThan(bytes.nested);
    expect(changes.some((one) => one.what.includes('64') && one.bytes.nested < bytes.nested)).to.equal(true);
  });

  it('shows what the whole chain of calls in every token would cost: what it costs once the graph says so', async () => {
    const asked = ['web', 'buy'] as const;
    const now = await advise(scratchFile('tight.yaml', tight), ...asked);
    const would = now.what_if.find(({ change }) => change === 'lineage');
    const full = scratchFile('full.yaml', tight.replace('issuer: {', 'issuer: { lineage: full,'));
    const then = await advise(full, ...asked);
    expect(would?.bytes).to.deep.equal(then.bytes);
    expect(then.bytes.nested).to.be.above(now.bytes.nested);
    expect(then.what_if.map(({ change }) => change)).to.not.include('lineage');
  });

  it('is text for people without --json, and changes nothing', async () => {
    const graph = scratchFile('tight.yaml', tight);
    const { code, stdout } = await run(['plan', graph, '--client', 'web', '--scope', 'buy', '--fit']);
    expect(code).to.equal(0);
    expect(stdout)
      .to.include('Which servers accept it')
      .and.include('How much of it fits')
      .and.include('too large');
  });
});
