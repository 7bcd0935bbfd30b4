/** Overlays as arguments of every command that takes a graph. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { MAIN, run, serve, stopServing, ask } from '../../support/program.ts';
import { send } from '../../support/http.ts';

const GRAPH = `waybill: 1
name: shop
vars: { region: { one_of: [eu, us], default: eu } }
issuer: { url: 'http://127.0.0.1:8080' }
zones: { '\${region}': { via: [istio] } }
defaults: { zone: '\${region}', headers: { profile: node }, caller: mtls }
clients:
  web:
    zone: '\${region}'
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [place, read] }
services:
  orders: { scopes: { read: , place: { calls: { mail: [send] } } } }
  mail: { scopes: { send: } }
`;
const PROD = `waybill: 1
overlay: true
vars: { region: us }
services:
  orders: { scopes: { place: { calls: { mail: remove } } } }
  mail: remove
`;
const WIDE = `waybill: 1
overlay: true
clients: { web: { token: jwt, lifetime: 10m } }
issuer: { lifetime: 10m }
`;
const accepting = (at: string, code = 'overlay-widens') =>
  `accepted: [{ code: ${code}, at: ${at}, reason: Slow devices., until: 2999-01-01 }]\n`;
const env = { WEB_SECRET: 'web secret' };

describe('an overlay as an argument', () => {
  let folder: string;

  beforeEach(() => {
    folder = scratchFolder();
    scratchFile('shop/graph.yaml', GRAPH, folder);
    scratchFile('shop/env/prod.yaml', PROD, folder);
    scratchFile('shop/env/wide.yaml', WIDE, folder);
  });
  afterEach(stopServing);
  after(removeScratch);

  const waybill = async (...args: string[]) => run(args, { cwd: folder });
  const PROD_PATHS = ['shop', 'shop/env/prod.yaml'];

  it('of check: its changes with their impact, and the digest of what runs (threat 18)', async () => {
    const { code, stdout } = await waybill('check', ...PROD_PATHS, 'shop/env/wide.yaml');
    expect(code).to.equal(0);
    expect(stdout).to.contain(
      [
        'shop/env/prod.yaml  overlay, 3 changes',
        '  neutral  vars.region: "eu" → "us"',
        '  narrows  services.orders.scopes.place.calls.mail: ["send"] → removed',
        '  neutral  services.mail: {"scopes":{"send":null}} → removed',
        '',
        'shop/env/wide.yaml  overlay, 3 changes',
        '  neutral  clients.web.token: nothing → "jwt"',
        '  neutral  clients.web.lifetime: nothing → "10m"',
        '  widens   issuer.lifetime: nothing → "10m"',
        '',
      ].join('\n'),
    );
    expect(stdout).to.match(/wide\.yaml:4:11 {2}warning {2}overlay-widens\n.*issuer\.lifetime, which widens/);
    const digestOf = (text: string) => /Digest (\w+)/.exec(text)?.[1];
    const alone = await waybill('check', 'shop');
    expect(alone.stdout).to.not.contain('overlay');
    expect(digestOf(stdout))
      .to.match(/^\w{12}$/)
      .and.not.equal(digestOf(alone.stdout));
  });

  it('of check: shows no secret of an ordinary file that an overlay replaces (threat 18)', async () => {
    scratchFile('shop/graph.yaml', GRAPH.replace('secret_env: WEB_SECRET', 'secret: hunter2'), folder);
    const auth = '{ auth: { method: client_secret_basic, secret_env: WEB } }';
    scratchFile('shop/env/prod.yaml', `waybill: 1\noverlay: true\nclients: { web: ${auth} }\n`, folder);
    const { code, stdout } = await waybill('check', '--json', ...PROD_PATHS);
    expect(code).to.equal(1);
    expect(stdout).to.contain('secret-in-graph').and.not.contain('hunter2');
  });

  it('of check --strict: fails on a change that widens until the overlay accepts it', async () => {
    const strict = async () => (await waybill('check', '--strict', 'shop', 'shop/env/wide.yaml')).code;
    expect(await strict()).to.equal(1);
    writeFileSync(path.join(folder, 'shop/env/wide.yaml'), WIDE + accepting('issuer'));
    expect(await strict()).to.equal(0);
  });

  it('of check --json, github and sarif', async () => {
    const json = JSON.parse((await waybill('check', '--json', ...PROD_PATHS)).stdout) as {
      overlays: { file: string; changes: object[] }[];
    };
    expect(json.overlays.map(({ file }) => file)).to.deep.equal(['shop/env/prod.yaml']);
    expect(json.overlays[0]!.changes[1]).to.deep.equal({
      path: ['services', 'orders', 'scopes', 'place', 'calls', 'mail'],
      old: ['send'],
      impact: 'narrows',
      line: 5,
      column: 41,
    });
    const wide = ['shop', 'shop/env/wide.yaml', '--format'];
    expect((await waybill('check', ...wide, 'github')).stdout).to.match(
      /^::warning file=.*wide\.yaml,line=4/m,
    );
    expect((await waybill('check', ...wide, 'sarif')).stdout).to.contain('"ruleId": "overlay-widens"');
  });

  it('of check --every-value: values of overlays are defaults, over which each combination counts', async () => {
    writeFileSync(path.join(folder, 'shop/env/prod.yaml'), PROD + 'zones: { us: { via: [] } }\n');
    expect((await waybill('check', ...PROD_PATHS)).code).to.equal(0);
    const { code, stdout } = await waybill('check', ...PROD_PATHS, '--every-value');
    expect(code).to.equal(1);
    expect(stdout).to.match(/overlay-unmatched[\s\S]*Only with region=eu\./);
  });

  it('of check --watch: checks again when it changes', async () => {
    const child = spawn(process.execPath, [MAIN, 'check', '--watch', ...PROD_PATHS], { cwd: folder });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => (output += data));
    try {
      const until = async (text: string): Promise<void> => {
        while (!output.includes(text)) await once(child.stdout, 'data');
      };
      await until('3 changes');
      writeFileSync(path.join(folder, 'shop/env/prod.yaml'), PROD.replace('vars: { region: us }\n', ''));
      await until('2 changes');
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('of diff: the graph with and without it, also of a git revision', async () => {
    const narrowing = await waybill('diff', 'shop', '--to', ...PROD_PATHS);
    expect([narrowing.code, narrowing.stderr]).to.deep.equal([0, '']);
    expect(narrowing.stdout).to.contain('orders:place no longer calls mail:send');
    expect((await waybill('diff', ...PROD_PATHS, '--to', 'shop', '--fail-on', 'widening')).code).to.equal(1);
    for (const args of [
      ['init', '--quiet', '--initial-branch=main'],
      ['add', '--all'],
      ['-c', 'user.name=t', '-c', 'user.email=t@t.example', 'commit', '--quiet', '--message', 'first'],
    ])
      expect(spawnSync('git', args, { cwd: folder }).status).to.equal(0);
    const revisions = PROD_PATHS.map((file) => `main:${file}`);
    const same = await waybill('diff', '--json', ...revisions, '--to', ...PROD_PATHS);
    expect(JSON.parse(same.stdout)).to.deep.include({ verdict: 'neutral', changes: [] });
    writeFileSync(path.join(folder, 'shop/env/prod.yaml'), 'waybill: 1\noverlay: true\n');
    const undone = await waybill('diff', ...revisions, '--to', ...PROD_PATHS);
    expect(undone.stdout).to.contain('orders:place now calls mail:send');
  });

  it('of plan, why, draw and export', async () => {
    const plan = async (...paths: string[]) =>
      (await waybill('plan', ...paths, '--client', 'web', '--scope', 'place')).stdout;
    expect(await plan('shop')).to.contain('mail');
    expect(await plan(...PROD_PATHS))
      .to.match(/orders/)
      .and.not.contain('mail');
    expect((await waybill('draw', ...PROD_PATHS)).stdout)
      .to.match(/orders/)
      .and.not.contain('mail');
  });

  it('of test: assertions hold for the graph that results, also those beside the overlay', async () => {
    const absent = (title: string) =>
      `waybill: 1\ntests:\n  - { test: ${title}, request: { client: web, scope: place }, expect: { absent: [orders/mail] } }\n`;
    scratchFile('shop/shop.test.yaml', absent('all'), folder);
    const overlay = PROD.replace('  mail: remove\n', '');
    scratchFile('env/prod.yaml', overlay, folder);
    scratchFile('env/prod.test.yaml', absent('prod'), folder);
    const alone = await waybill('test', 'shop');
    expect([alone.code, alone.stdout.includes('prod')]).to.deep.equal([1, false]);
    const { code, stdout } = await waybill('test', 'shop', 'env/prod.yaml');
    expect(code, stdout).to.equal(0);
    expect(stdout).to.match(/all[^]*prod|prod[^]*all|2 tests/);
  });

  it('of import: is refused, since additions go to ordinary files', async () => {
    const traces = scratchFile('empty.json', '[]', folder);
    const { code, stderr } = await waybill('import', traces, '--from', 'jaeger', '--graph', ...PROD_PATHS);
    expect([code, stderr]).to.deep.equal([
      2,
      'error  usage  shop/env/prod.yaml is an overlay, and an import adds to ordinary files. Leave the overlay out; then add to it what only that environment needs.\n',
    ]);
  });

  it('of serve: issues what it leaves, says its digest, and reloads it when it changes', async () => {
    const keys = path.join(scratchFolder(), 'keys.json');
    const paths = PROD_PATHS.map((file) => path.join(folder, file));
    const served = await serve([...paths, '--port', '0', '--keys', keys], { env });
    /** A tree with the token for mail inside is longer. */
    const length = async () =>
      String((await ask(served, env.WEB_SECRET, 'place')).body['access_token']).length;
    const before = await length();
    const { body } = await send(`${served.url}/readyz`);
    const digest = JSON.parse((await run(['check', '--json', ...paths])).stdout).digest as string;
    expect(body['graph']).to.equal(digest);
    writeFileSync(paths[1]!, PROD.split('services:')[0]!);
    const { now } = await served.logged('reloaded');
    expect(now).to.not.equal(digest);
    expect(await length()).to.be.above(before + 100);
    writeFileSync(paths[1]!, `${PROD}  mial: {}\n`);
    await served.logged('the graph has errors; the running one stays in place');
    expect((await send(`${served.url}/readyz`)).body['graph']).to.equal(now);
  });
});
