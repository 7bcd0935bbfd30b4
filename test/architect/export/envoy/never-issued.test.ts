/** Tokens that no issuer signs: what Envoy makes of them, and that it judges alike where it enforces and where it reports. */
import { expect } from 'chai';

import { envoyConfig, type ExportMode } from '../../../../src/architect/export/index.ts';
import { eventually } from '../../../support/clock/eventually.ts';
import { planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { bearer, startService, type ProxiedService } from './one-service.ts';

const graph = (issuer: string, pay: string): string => `waybill: 1
issuer: { url: '${issuer}' }
defaults: { headers: { profile: envoy }, audience: 'http://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy] } } }
services:
  shop: { scopes: { buy: { operations: [POST /buy], calls: { ${pay}: [charge] } } } }
  ${pay}: { scopes: { charge: } }
`;

const MODES: readonly ExportMode[] = ['enforce', 'report'];

describe(`Envoy and tokens that no issuer signs${needsEnvoy}`, function () {
  this.timeout(60_000);
  let issuer: ScriptedIssuer;
  before(async function () {
    if (!hasEnvoy) this.skip();
    issuer = await startScriptedIssuer();
  });
  after(async () => {
    await stopEnvoys();
    await closeServers();
    removeScratch();
  });

  const tokenWith = async (claims: object): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const own = { aud: 'http://shop.example', client_id: 'web', scope: 'buy', iat: now, exp: now + 300 };
    return issuer.token({ ...own, ...claims });
  };

  /** Envoy keeps the tokens of callees in headers, and where a name has a dot in metadata. */
  for (const pay of ['pay', 'pay.v1'])
    for (const mode of MODES)
      describe(`a token for ${pay} in mode ${mode}`, () => {
        let service: ProxiedService;
        before(async () => {
          service = await startService(planOf(graph(issuer.url, pay)), 'shop', { mode });
        });
        const callWith = async (child: unknown) =>
          service.call(`${pay}.example`, bearer(await tokenWith({ embedded: { [pay]: child } })));

        it('goes out as it is', async () => {
          const child = await tokenWith({});
          const { arrived } = await callWith(child);
          expect(arrived?.headers['authorization']).to.deep.equal([`Bearer ${child}`]);
        });
        for (const child of [5, 1.5, true, null, '', 'text', ['eyJ.'], { alg: 'ES256' }])
          it(`is none if it is ${JSON.stringify(child)}`, async () => {
            const { status, arrived } = await callWith(child);
            expect(arrived?.headers['authorization']).to.equal(undefined);
            expect(status).to.equal(mode === 'enforce' ? 403 : 200);
          });
      });

  it('takes `act` and `cnf` that are empty for absent in both modes, and notes it', async () => {
    const plan = planOf(graph(issuer.url, 'pay'));
    const [strict, lenient] = [
      await startService(plan, 'shop'),
      await startService(plan, 'shop', { mode: 'report' }),
    ];
    const empty = [{ act: null }, { act: '' }, { cnf: null }, { cnf: '' }];
    const wrong = [{ act: {} }, { act: 'x' }, { act: 5 }, { cnf: {} }, { cnf: 'x' }, { cnf: [] }];
    const statuses = [];
    for (const claims of [...empty, ...wrong]) {
      const headers = bearer(await tokenWith(claims));
      statuses.push((await strict.request('POST /buy', headers)).status);
      expect((await lenient.request('POST /buy', headers)).status).to.equal(200);
    }
    expect(statuses).to.deep.equal([...empty.map(() => 200), ...wrong.map(() => 403)]);
    await eventually(30, () => lenient.envoy.output().split('\n').length > wrong.length);
    expect(lenient.envoy.output().trim().split('\n')).to.have.length(wrong.length);
    for (const mode of MODES)
      expect(envoyConfig(plan, { mode }).notes.map(({ code }) => code)).to.include('never-issued');
  });
});
