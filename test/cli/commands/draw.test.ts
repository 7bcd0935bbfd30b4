import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { run } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const boutique = fileURLToPath(new URL('../../../graphs/online-boutique.yaml', import.meta.url));

describe('waybill draw', () => {
  after(removeScratch);

  it('takes the format from the file name', async () => {
    const file = scratchFile('shop.mmd', '');
    const { code, stdout } = await run(['draw', boutique, '--around', 'paymentservice', '--out', file]);
    expect([code, stdout]).to.deep.equal([0, '']);
    expect(readFileSync(file, 'utf8')).to.include('flowchart LR').and.include('charge');
  });

  it('prints SVG by default, of a request with --client', async () => {
    const { code, stdout } = await run(['draw', boutique, '--client', 'storefront', '--scope', 'checkout']);
    expect(code).to.equal(0);
    expect(stdout)
      .to.match(/^<svg /)
      .and.include('storefront asks for checkout: 12 tokens, 3 levels');
  });

  it('draws a graph that exceeds header budgets, and exits with 1', async () => {
    const file = scratchFile(
      'tight.yaml',
      readFileSync(boutique, 'utf8').replace('headers: { profile: go }', 'headers: { max_total: 4KiB }'),
    );
    const { code, stdout, stderr } = await run([
      ...['draw', file, '--client', 'storefront', '--scope', 'checkout', '--format', 'dot'],
    ]);
    expect(code).to.equal(1);
    expect(stderr).to.include('budget-exceeded');
    expect(stdout).to.include('does not fit');
  });

  const wrong: readonly (readonly [string, readonly string[]])[] = [
    ['--client draws a request', ['--client', 'storefront', '--scopes']],
    ['Add --client', ['--scope', 'checkout']],
    ['Add --around', ['--depth', '2']],
    ['a number from 0', ['--around', 'frontend', '--depth', 'far']],
    ['cannot be written (ENOENT)', ['--out', '/nowhere/at/all.svg']],
    ['Did you mean frontend?', ['--around', 'frontent']],
  ];
  for (const [message, options] of wrong) {
    it(`is wrong use: ${options.join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(['draw', boutique, ...options]);
      expect([code, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.include(message);
    });
  }
});

describe('waybill export', () => {
  after(removeScratch);

  it('prints policies, and on standard error what is not opened', async () => {
    const { code, stdout, stderr } = await run(['export', boutique, '--to', 'istio']);
    expect(code).to.equal(0);
    expect(stdout.match(/^kind: AuthorizationPolicy$/gm)).to.have.length(12);
    expect(stderr).to.include('the client storefront has no identity').and.include('redis-cart');
  });

  it('writes an OPA bundle into a folder', async () => {
    const folder = path.join(scratchFolder(), 'opa');
    const gateway = ['--gateway', 'spiffe://boutique.example/gateway'];
    const { code, stdout, stderr } = await run([
      'export',
      boutique,
      '--to',
      'opa',
      '--out',
      folder,
      ...gateway,
    ]);
    expect([code, stdout]).to.deep.equal([0, '']);
    expect(stderr).to.include('frontend: bound-tokens').and.not.include('no-gateway');
    expect(readFileSync(path.join(folder, 'data.json'), 'utf8')).to.include(gateway[1]);
    for (const name of ['.manifest', 'data.json', 'policy.rego', 'envoy.rego'])
      expect(readFileSync(path.join(folder, name), 'utf8')).to.include('waybill');
  });

  it('writes nothing for a graph with an error', async () => {
    const file = scratchFile('wrong.yaml', 'waybill: 1\nissuer: { url: nonsense }\n');
    const { code, stdout, stderr } = await run(['export', file, '--to', 'istio']);
    expect([code, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.include('error');
  });

  it('is wrong use: a bundle without a folder', async () => {
    const { code, stderr } = await run(['export', boutique, '--to', 'opa']);
    expect(code).to.equal(2);
    expect(stderr).to.include('--out');
  });
});
