import { request } from 'node:http';
import { expect } from 'chai';

import { compileGraph } from '../../../src/planning/compile.ts';
import { readPlan, writePlan } from '../../../src/architect/explore/plan-text.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { planRequest } from '../../../src/planning/request-plan.ts';
import { analyzeAccess } from '../../../src/planning/request-access.ts';
import { explore, run, stopServing } from '../../support/program.ts';
import { draftOf } from '../../support/compile.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { HOSTILE, shopGraph } from './shop-graph.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

describe('waybill explore: the server', function () {
  this.timeout(180_000); // programs on a busy machine take their time
  let url: URL;
  let stdout: string;

  before(async () => {
    const served = await explore([scratchFile('shop.yaml', shopGraph())]);
    url = new URL(served.url);
    stdout = served.output();
  });
  after(async () => {
    await stopServing();
    removeScratch();
  });

  function ask(path: string, { method = 'GET', host = url.host } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { path, method, headers: { host } }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (data: string) => (body += data));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      });
      sent.on('error', reject).end();
    });
  }

  it('listens on loopback and says where', () => {
    expect(url.hostname).to.equal('127.0.0.1');
    expect(stdout).to.contain(`listening on ${url.href}`);
  });

  it('restricts the page to its own resources', async () => {
    const { status, headers } = await ask('/');
    expect(status).to.equal(200);
    expect(headers['content-security-policy'])
      .to.match(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
      .and.to.not.match(/unsafe|\*|https?:/);
    expect(headers).to.include({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  it('accepts only names of loopback', async () => {
    for (const host of ['attacker.example', `attacker.example:${url.port}`, '127.0.0.1.attacker.example'])
      expect((await ask('/data.json', { host })).status, host).to.equal(421);
    for (const host of [`localhost:${url.port}`, `127.0.0.1:${url.port}`])
      expect((await ask('/data.json', { host })).status, host).to.equal(200);
  });

  it('serves only GET, at a few paths', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await ask('/', { method })).status, method).to.equal(405);
    for (const path of [
      '/shop.yaml',
      '/../package.json',
      '/page/../../cli/main.js',
      '/%2e%2e/',
      '/data.json?x',
    ])
      expect((await ask(path)).status, path).to.equal(404);
  });

  it('reveals neither where secrets are nor the texts of files', async () => {
    const { body } = await ask('/data.json');
    expect(body).to.not.contain('THE_SECRET').and.to.not.contain('secret_env');
    expect(JSON.parse(body)).to.include.keys(
      'plan',
      'findings',
      'accepted',
      'places',
      'files',
      'jwks',
      'live',
    );
  });

  it('refuses unusable options', async () => {
    const graph = scratchFile('shop.yaml', shopGraph());
    const secret = scratchFile(
      'jwks.json',
      JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'a', alg: 'HS256' }] }),
    );
    const wrong = [
      [['--port', 'x'], /0 to 65535/],
      [['--port', url.port], /Cannot listen on port \d+ \(EADDRINUSE\)/],
      [['--jwks', graph], /it is not JSON/],
      [['--jwks', secret], /private or symmetric key/],
    ] as const;
    for (const [args, reason] of wrong) {
      const { code, stderr } = await run(['explore', graph, ...args]);
      expect([code, stderr]).to.satisfy(
        ([status, text]: [number, string]) => status === 2 && reason.test(text),
      );
    }
  });
});

describe('A plan as text', () => {
  after(removeScratch);

  it('plans every request like the original plan', () => {
    for (const name of ['otel-demo', 'eshop-on-containers']) {
      const { draft } = compileGraph([`graphs/${name}.yaml`]);
      if (!draft) throw new Error(`${name} does not compile`);
      const again = readPlan(writePlan(draft));
      let compared = 0;
      for (const client of draft.clients.values()) {
        for (const { service, scopes, mode } of client.calls) {
          if (!service || mode === 'none') continue;
          const request = { scopes: scopes.map((scope) => scope.name), resources: [service.audience] };
          expect(planRequest(again, client.name, request)).to.deep.equal(
            planRequest(draft, client.name, request),
          );
          expect(analyzeAccess(again, client.name, request)).to.deep.equal(
            analyzeAccess(draft, client.name, request),
          );
          compared += 1;
        }
      }
      expect(compared, name).to.be.above(0);
    }
  });

  it('keeps names, and leaves out files and secrets', () => {
    const plan = draftOf(shopGraph());
    const text = writePlan(plan);
    expect(text).to.not.contain('THE_SECRET').and.to.not.contain('defaults:');
    expect(readPlan(text).services.get('orders')?.owner).to.equal(HOSTILE);
  });

  it('keeps a claim whose value has the key __proto__', () => {
    const value = '{ "__proto__": { "a": 1 }, "b": [{ "__proto__": 2, "constructor": 3 }] }';
    const text = shopGraph().replace('region: { value: eu }', `region: { value: ${value} }`);
    const claims = (plan: Plan) => plan.services.get('payment')!.claims.map(({ claim }) => claim.source);
    const read = claims(readPlan(writePlan(draftOf(text))));
    expect(JSON.stringify(read)).to.equal(JSON.stringify([{ value: JSON.parse(value) as unknown }]));
  });

  it('does not nest deeply for a chain of thousands of services', () => {
    const services = Array.from({ length: 2_000 }, (_, at) => {
      const next = at < 1_999 ? `calls: { s${at + 1}: { scopes: [a], mode: exchange } }` : '';
      return `  s${at}: { auth: { method: client_secret_basic, secret_env: S }, scopes: { a: { ${next} } } }\n`;
    });
    const plan = draftOf(
      `waybill: 1\nname: row\nissuer: { url: 'https://t.example' }\nclients:\n  c: { auth: { method: client_secret_basic, secret_env: S }, calls: { s0: [a] } }\nservices:\n${services.join('')}`,
    );
    expect(readPlan(writePlan(plan)).services.size).to.equal(2_000);
  });
});
