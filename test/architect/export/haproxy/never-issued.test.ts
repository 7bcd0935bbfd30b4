/** Tokens that no issuer signs, at a real HAProxy: no child goes out that is none. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';

import { expect } from 'chai';

import { haproxyConfig } from '../../../../src/architect/export/index.ts';
import { planOf } from '../../../support/compile.ts';
import { removeScratch, scratchFile } from '../../../support/files.ts';
import { hasHaproxy, needsHaproxy, startHaproxy, stopHaproxies } from '../../../support/haproxy.ts';
import { closeServers, freePort } from '../../../support/http.ts';
import { startScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { ask, startEcho } from '../envoy/random-mesh.ts';

const graph = (issuer: string): string => `waybill: 1
issuer: { url: '${issuer}' }
defaults: { headers: { profile: haproxy }, audience: 'http://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy] } } }
services:
  shop: { scopes: { buy: { operations: [POST /buy], calls: { pay: [charge] } } } }
  pay: { scopes: { charge: } }
`;

describe(`HAProxy and tokens that no issuer signs${needsHaproxy}`, () => {
  before(function () {
    if (!hasHaproxy) this.skip();
  });
  after(async () => {
    await stopHaproxies();
    await closeServers();
    removeScratch();
  });

  it('sends a text as the token of a callee, and nothing else', async () => {
    const issuer = await startScriptedIssuer();
    const key = createPublicKey({ key: issuer.signer.publicJwk as JsonWebKey, format: 'jwk' });
    const pem = scratchFile('issuer.pem', key.export({ type: 'spki', format: 'pem' }).toString());
    const address = { host: '127.0.0.1', port: await startEcho() };
    const [inbound, outbound] = [await freePort(), await freePort()];
    const { services, notes } = haproxyConfig(planOf(graph(issuer.url)), {
      only: ['shop'],
      inbound: { host: '127.0.0.1', port: inbound },
      outbound: { host: '127.0.0.1', port: outbound },
      application: address,
      addresses: new Map([['pay', address]]),
      keyFiles: [pem],
    });
    await startHaproxy(services.get('shop')!, [inbound, outbound]);
    const now = Math.floor(Date.now() / 1000);
    const token = async (claims: object) =>
      issuer.token({ aud: 'http://shop.example', scope: 'buy', iat: now, exp: now + 300, ...claims });
    const callWith = async (pay: unknown) => {
      const headers = { host: 'pay.example', authorization: `Bearer ${await token({ embedded: { pay } })}` };
      return ask(outbound, { method: 'GET', url: '/', headers });
    };
    const child = await token({});
    expect((await callWith(child)).arrived?.headers['authorization']).to.deep.equal([`Bearer ${child}`]);
    for (const none of [5, 1.5, true, null, '', 'text', ['a.b.c'], { alg: 'ES256' }]) {
      const { status, arrived } = await callWith(none);
      expect([status, arrived], JSON.stringify(none)).to.deep.equal([403, undefined]);
    }
    expect(notes.map(({ code }) => code)).to.include('never-issued');
  });
});
