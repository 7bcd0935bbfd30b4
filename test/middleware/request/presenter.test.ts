/** Who presents a token, over real mutual TLS: services with certificates of one small authority. */
import { Agent } from 'node:https';

import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { thumbprintOf } from '../../../src/identity/index.ts';
import type { Extractor, ExtractorOptions } from '../../../src/middleware/index.ts';
import { planOf } from '../../support/compile.ts';
import { LOOPBACK, selfSigned, testCa, type Identity } from '../../support/keys/certificates.ts';
import { listenTls, sendTls, stopTlsServers, type TlsAnswer } from '../../support/tls.ts';
import { NOW } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { closeServers } from '../../support/http.ts';
import { extractorFor } from '../services.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';

const ca = testCa();
const idOf = (name: string): string => `spiffe://boutique.example/${name}`;
const svid = (name: string): Identity => ca.issue({ uris: [idOf(name)] });

describe('the presenter of a token', () => {
  let issuer: ScriptedIssuer;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
  });
  afterEach(async () => {
    await stopTlsServers();
    await closeServers();
  });

  const checking = (options: Partial<ExtractorOptions> = {}): Extractor =>
    extractorFor(issuer, { caller: 'mtls', ...options });

  /** A service that answers with the caller that its token names. */
  async function serve(waybill: Extractor, authority = ca): Promise<string> {
    const protect = waybill.protect();
    return listenTls((request, response) => {
      protect(request, response, () => {
        const { waybill: context } = request as typeof request & {
          waybill: { claims: { act?: { sub: string } } };
        };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ act: context.claims.act ?? null }));
      });
    }, authority);
  }

  const ask = (service: string, token: string, as?: Identity): Promise<TlsAnswer> =>
    sendTls(service, ca, { as, headers: { authorization: `Bearer ${token}` } });

  function expectRefused(answer: TlsAnswer, says: RegExp): void {
    expect(answer.status, answer.text).to.equal(401);
    expect(answer.json).to.include({ code: 'token_presenter', status: 401 });
    expect(answer.json['detail']).to.match(says);
    expect(answer.headers['www-authenticate']).to.match(/^Bearer error="invalid_token", error_description=/);
  }

  it('RFC 8693 section 4.1: is the one that act names', async () => {
    const service = await serve(checking());
    const answer = await ask(
      service,
      await issuer.token({ act: { sub: idOf('frontend') } }),
      svid('frontend'),
    );
    expect(answer.status, answer.text).to.equal(200);
    expect(answer.json).to.deep.equal({ act: { sub: idOf('frontend') } });
  });

  it('is any identity of the caller that act names, and of no caller above it', async () => {
    const service = await serve(checking());
    const act = {
      sub: idOf('frontend'),
      also: [idOf('frontend-canary'), idOf('frontend-old')],
      act: { sub: idOf('web'), also: [idOf('web-canary')] },
    };
    const token = await issuer.token({ act });
    for (const name of ['frontend', 'frontend-canary', 'frontend-old'])
      expect((await ask(service, token, svid(name))).status, name).to.equal(200);
    for (const name of ['web', 'web-canary', 'ads'])
      expectRefused(await ask(service, token, svid(name)), /not that of the caller/);
  });

  it('threat 1: is refused as anyone else, on the same token that was verified and cached before', async () => {
    const service = await serve(checking());
    const token = await issuer.token({ act: { sub: idOf('frontend') } });
    for (let time = 0; time < 2; time += 1) {
      expect((await ask(service, token, svid('frontend'))).status).to.equal(200);
      expectRefused(await ask(service, token, svid('ads')), /not that of the caller/);
    }
    expect(issuer.asked('/jwks')).to.equal(1);
  });

  it('threat 1: a grandchild’s token, read out of a child, is worthless in the hands of the grandparent', async () => {
    // frontend → checkout → payment: frontend holds checkout's token and reads payment's out of it.
    const audience = 'https://payment.boutique.example';
    const payment = await serve(checking({ audience }));
    const grandchild = await issuer.token({ jti: 'T1.2', aud: audience, act: { sub: idOf('checkout') } });
    const child = await issuer.token({
      jti: 'T1.1',
      act: { sub: idOf('frontend') },
      embedded: { payment: grandchild },
    });
    const lifted = (decodeJwt(child)['embedded'] as Record<string, string>)['payment'] as string;
    expect(lifted).to.equal(grandchild);
    expectRefused(await ask(payment, lifted, svid('frontend')), /not that of the caller/);
    expectRefused(await ask(payment, lifted), /this connection has none/);
    expect((await ask(payment, lifted, svid('checkout'))).status).to.equal(200);
  });

  it('has no say without a certificate, or with one that another authority signed', async () => {
    const service = await serve(checking());
    const token = await issuer.token({ act: { sub: idOf('frontend') } });
    const names = { uris: [idOf('frontend')] };
    expectRefused(await ask(service, token), /this connection has none/);
    expectRefused(await ask(service, token, testCa('another').issue(names)), /this connection has none/);
    expectRefused(await ask(service, token, testCa().issue(names)), /this connection has none/);
    expectRefused(await ask(service, token, selfSigned(names)), /this connection has none/);
  });

  it('threat 17: is compared whole', async () => {
    const service = await serve(checking());
    const token = await issuer.token({ act: { sub: idOf('frontend') } });
    for (const uris of [
      [`${idOf('frontend')}/x`],
      [`${idOf('frontend')}2`],
      [idOf('front')],
      ['spiffe://boutique.example.evil.example/frontend'],
      ['spiffe://evil.example/frontend'],
      [idOf('frontend'), idOf('ads')],
    ]) {
      expectRefused(await ask(service, token, ca.issue({ uris })), /not that of the caller/);
    }
    const authority = ca.issue({ uris: [idOf('frontend')], isAuthority: true });
    expect((await ask(service, token, authority)).status).to.equal(401);
  });

  it('may be a DNS name or another URI, where the graph gives such an identity', async () => {
    const service = await serve(checking());
    const named = await issuer.token({ act: { sub: 'frontend' } });
    expect((await ask(service, named, ca.issue({ dns: ['frontend'] }))).status).to.equal(200);
    expectRefused(await ask(service, named, ca.issue({ dns: ['front'] })), /not that of the caller/);
    expectRefused(await ask(service, named, ca.issue({ commonName: 'frontend' })), /not that of the caller/);
    const uri = await issuer.token({ act: { sub: 'https://frontend.example' } });
    expect((await ask(service, uri, ca.issue({ uris: ['https://frontend.example'] }))).status).to.equal(200);
  });

  it('is looked at for each connection, not for each token: two callers on connections kept open', async () => {
    const service = await serve(checking());
    const token = await issuer.token({ act: { sub: idOf('frontend') } });
    const agents = [svid('frontend'), svid('ads')].map(
      ({ cert, key }) => new Agent({ keepAlive: true, maxSockets: 1, ca: [ca.cert], cert, key }),
    );
    const statuses = [];
    for (const agent of [...agents, ...agents]) {
      statuses.push(
        (await sendTls(service, ca, { agent, headers: { authorization: `Bearer ${token}` } })).status,
      );
    }
    agents.forEach((agent) => agent.destroy());
    expect(statuses).to.deep.equal([200, 401, 200, 401]);
  });

  it('whose certificate expired while the connection stayed open is refused', async () => {
    let now = NOW;
    const service = await serve(checking({ clock: () => now }));
    const token = await issuer.token({ act: { sub: idOf('frontend') }, exp: 5_000_000_000 });
    const brief = ca.issue({ uris: [idOf('frontend')], notAfter: '20400101000000Z' });
    expect((await ask(service, token, brief)).status).to.equal(200);
    now = Date.UTC(2040, 0, 1) / 1000;
    expectRefused(await ask(service, token, brief), /expired/);
  });

  it('RFC 8705 section 3: of a bound root is the holder of its certificate, whatever caller says', async () => {
    const phone = ca.issue({ commonName: 'phone' });
    const bound = await issuer.token({ cnf: { 'x5t#S256': thumbprintOf(phone.certificate) } });
    for (const caller of ['mtls', 'none'] as const) {
      const service = await serve(checking({ caller }));
      expect((await ask(service, bound, phone)).status).to.equal(200);
      expectRefused(await ask(service, bound, svid('ads')), /bound to another key/);
      expectRefused(await ask(service, bound), /this connection has none/);
    }
  });

  it('of a token that is bound in a way which is not checked here is refused', async () => {
    const service = await serve(checking({ caller: 'none' }));
    for (const cnf of [{ kid: 'x' }, {}, null, 'x', [], { 'x5t#S256': null }]) {
      expectRefused(
        await ask(service, await issuer.token({ cnf }), svid('ads')),
        /bound to another key|binding \(cnf\) that is not supported/,
      );
    }
  });

  it('of a root that is bound to no key is refused, unless unboundRoots lets it in', async () => {
    const root = await issuer.token();
    expectRefused(await ask(await serve(checking()), root, svid('frontend')), /bound to no key/);
    const lenient = await serve(checking({ unboundRoots: 'accept' }));
    expect((await ask(lenient, root)).status).to.equal(200);
    expectRefused(await ask(lenient, await issuer.token({ act: { sub: idOf('a') } })), /has none/);
  });

  it('is unknown over plain http, and for a framework that passes no certificate', async () => {
    const waybill = checking();
    const authorization = `Bearer ${await issuer.token({ act: { sub: idOf('frontend') } })}`;
    const error = await failure('token_presenter', () => waybill.authenticate({ authorization }));
    expect(error.message).to.include('none');
    const { certificate } = svid('frontend');
    const context = await waybill.authenticate({ authorization, certificate });
    expect(context.claims.act).to.deep.equal({ sub: idOf('frontend') });
  });

  it('is part of the plan', () => {
    const plan = planOf(`
waybill: 1
name: t
issuer: { url: 'http://127.0.0.1:1' }
defaults: { headers: { profile: envoy } }
clients: { web: { auth: { method: client_secret_basic, secret_env: S }, calls: { a: [s] } } }
services: { a: { scopes: { s: { calls: { b: [t] } } } }, b: { caller: mtls, scopes: { t: } } }
`);
    expect([...plan.services.values()].map(({ caller }) => caller)).to.deep.equal(['none', 'mtls']);
  });

  it('is not the holder of a certificate of the same authority with other names', async () => {
    const service = await serve(checking());
    const token = await issuer.token({ act: { sub: idOf('frontend') } });
    expectRefused(await ask(service, token, ca.issue(LOOPBACK)), /not that of the caller/);
  });
});
