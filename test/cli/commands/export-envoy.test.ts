/** `waybill export --to envoy`, as the built program does it. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';
import { load } from 'js-yaml';

import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { run } from '../../support/program.ts';

const GRAPH = `waybill: 1
name: shop
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: envoy }, audience: 'https://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [buy] } } }
services:
  shop: { scopes: { buy: { operations: [POST /buy], calls: { stock: [take] } } } }
  stock: { scopes: { take: { operations: ['GET /a/{id:guid}'] } } }
`;

interface Config {
  readonly clusters: readonly { readonly name: string }[];
  readonly listeners: readonly { readonly name: string }[];
}

describe('waybill export --to envoy', () => {
  const graph = scratchFile('graph.yaml', GRAPH);
  after(removeScratch);
  const exportTo = (...args: string[]) => run(['export', graph, '--to', 'envoy', ...args]);

  it('writes a bootstrap for each service into a folder, and notes to standard error', async () => {
    const out = path.join(scratchFolder(), 'envoy');
    const { code, stdout, stderr } = await exportTo('--out', out);
    expect([code, stdout]).to.deep.equal([0, '']);
    expect(readdirSync(out)).to.have.members(['shop.yaml', 'stock.yaml']);
    expect(stderr).to.include('note  stock: operation-unreadable: ');
    const text = readFileSync(path.join(out, 'stock.yaml'), 'utf8');
    expect(text)
      .to.match(/^# stock: operation-unreadable: /m)
      .and.not.match(/^# shop: /m);
    const { static_resources } = load(text) as { static_resources: Config };
    expect(static_resources.listeners.map(({ name }) => name)).to.deep.equal(['waybill-inbound']);
  });

  it('prints the parts of one service', async () => {
    const { code, stdout } = await exportTo('--service', 'shop', '--parts', '--address', 'stock=10.0.0.7:81');
    expect(code).to.equal(0);
    const { clusters, listeners } = load(stdout) as Config;
    expect(listeners).to.have.length(2);
    expect(clusters.map(({ name }) => name)).to.deep.equal([
      'waybill-issuer',
      'waybill-application',
      'waybill-callee-stock',
    ]);
    expect(stdout).to.include('address: 10.0.0.7').and.include('port_value: 81');
  });

  it('prints one JSON document with the notes', async () => {
    const { stdout, stderr } = await exportTo('--json');
    const { services, notes } = JSON.parse(stdout) as {
      services: object;
      notes: readonly { code: string; service?: string }[];
    };
    expect(Object.keys(services)).to.deep.equal(['shop', 'stock']);
    expect(notes.map(({ code }) => code))
      .to.include('operation-unreadable')
      .and.include('revocation');
    expect(stderr).to.equal('');
  });

  it('writes a configuration that only reports, and says so first', async () => {
    const { code, stdout, stderr } = await exportTo('--service', 'shop', '--mode', 'report');
    expect(code).to.equal(0);
    expect(stdout)
      .to.include('\n# report-mode: Report mode: nothing is refused')
      .and.include('shadow_rules:');
    expect(stderr).to.match(/^note {2}report-mode: /);
  });

  it('writes for every target what only reports, and says so first', async () => {
    const istio = await run(['export', graph, '--to', 'istio', '--mode', 'report']);
    expect([istio.code, istio.stdout.includes('istio.io/dry-run')]).to.deep.equal([0, true]);
    const args = ['--to', 'sidecar', '--service', 'shop', '--mode'];
    const sidecar = await run(['export', graph, ...args, 'report']);
    expect(load(sidecar.stdout)).to.include({ mode: 'report' });
    const enforcing = await run(['export', graph, ...args, 'enforce']);
    expect(load(enforcing.stdout)).not.to.have.property('mode');
    for (const [target, files] of [
      ['haproxy', ['shop.cfg', 'stock.cfg']],
      ['nginx', ['shop.conf', 'shop.sidecar.yaml', 'stock.conf', 'stock.sidecar.yaml']],
      ['opa', ['.manifest', 'data.json', 'envoy.rego', 'policy.rego', 'refusal.rego', 'report.rego']],
    ] as const) {
      const out = path.join(scratchFolder(), target);
      const { code, stderr } = await run(['export', graph, '--to', target, '--mode', 'report', '--out', out]);
      expect([code, readdirSync(out).sort()], target).to.deep.equal([0, files]);
      expect(stderr, target).to.match(/^note {2}report-mode: Report mode: /);
    }
  });

  it('writes report mode into the proxy and into the sidecar beside it', async () => {
    for (const [to, kind, sign] of [
      ['envoy', 'yaml', 'Calls to hosts that are no callees are answered 403'],
      ['nginx', 'conf', 'Calls to hosts that are no callees are answered 403'],
    ] as const) {
      const out = path.join(scratchFolder(), to);
      const args = ['--to', to, '--sidecar', '127.0.0.1:9292', '--mode', 'report', '--out', out];
      const { code, stderr } = await run(['export', graph, ...args]);
      expect(code, stderr).to.equal(0);
      expect(stderr.match(/Report mode: nothing is refused/g)).to.have.length(1);
      expect(readFileSync(path.join(out, `shop.${kind}`), 'utf8')).to.include(`# report-mode: ${sign}`);
      expect(load(readFileSync(path.join(out, 'shop.sidecar.yaml'), 'utf8'))).to.include({ mode: 'report' });
    }
  });

  const misuse: readonly (readonly [readonly string[], string])[] = [
    [[], 'Name a service with --service'],
    [['--service', 'shpo'], 'The graph has no service shpo. Did you mean shop?'],
    [['--service', 'shop', '--address', 'stokc=a:1'], 'Did you mean stock?'],
    [['--service', 'shop', '--address', 'stock'], 'Use the form name=host:port.'],
    [['--service', 'shop', '--inbound', 'host:70000'], 'Use the form host:port.'],
  ];
  for (const [args, said] of misuse) {
    it(`refuses ${args.length === 0 ? 'several services on standard output' : args.slice(-2).join(' ')}`, async () => {
      const { code, stdout, stderr } = await exportTo(...args);
      expect([code, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.include(said);
    });
  }

  it('writes the configuration of each sidecar beside that of its proxy', async () => {
    for (const [to, kind] of [
      ['envoy', 'yaml'],
      ['nginx', 'conf'],
    ]) {
      const out = path.join(scratchFolder(), 'mesh');
      const args = ['--to', `${to}`, '--sidecar', '127.0.0.1:9292', '--out', out];
      const { code, stdout } = await run(['export', graph, ...args]);
      expect([code, stdout]).to.deep.equal([0, '']);
      expect(readdirSync(out)).to.have.members(
        ['shop', 'stock'].flatMap((name) => [`${name}.${kind}`, `${name}.sidecar.yaml`]),
      );
      expect(readFileSync(path.join(out, `shop.${kind}`), 'utf8')).to.match(/9292/);
      expect(load(readFileSync(path.join(out, 'shop.sidecar.yaml'), 'utf8'))).to.include({
        audience: 'https://shop.example',
        check: '127.0.0.1:9292',
      });
    }
  });

  it('prints the configuration of one sidecar', async () => {
    const { code, stdout, stderr } = await run([
      ...['export', graph, '--to', 'sidecar', '--service', 'shop', '--address', 'stock=10.0.0.7:81'],
    ]);
    expect(code).to.equal(0);
    expect(load(stdout)).to.deep.include({
      operations: { buy: ['POST /buy'] },
      callees: {
        'stock.example': 'stock',
        'stock.example:80': 'stock',
        'stock.example:443': 'stock',
        '10.0.0.7:81': 'stock',
      },
    });
    expect(stderr).to.include('note  shop: revocation: ');
  });
});
