/** Tokens that are bound to a key, at a service that only reports: what would be refused passes, unverified and reported. */
import { expect } from 'chai';
import express from 'express';

import { edge, extractor, type CertificateSource, type Decision } from '../../../src/middleware/index.ts';
import { boundShop } from '../../support/graphs/bound.ts';
import { closeServers, listen, send } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers } from '../../support/issuer/start.ts';
import { startTlsIssuer } from '../../support/issuer/tls.ts';
import { testCa } from '../../support/keys/certificates.ts';

describe('mode: report and tokens that are bound to a key', () => {
  afterEach(closeServers);
  after(stopIssuers);

  async function reportingShop(issuer: string, showing?: CertificateSource) {
    const decisions: Decision[] = [];
    const shop = extractor({
      ...{ issuer, audience: 'https://shop.example', caller: 'none', mode: 'report' },
      ...(showing === undefined ? {} : { tls: showing }),
      onDecision: (decision) => decisions.push(decision),
    });
    const app = express().get('/', shop.protect(), ({ waybill }, response) => {
      response.send(waybill.verified ? 'verified' : 'unverified');
    });
    const url = await listen(app);
    const ask = async (authorization: string, headers: Record<string, string> = {}) => {
      const { text } = await send(url, { headers: { authorization, ...headers } });
      return [text, decisions.at(-1)?.decision, decisions.at(-1)?.error];
    };
    return { ask, decisions };
  }

  const ca = testCa('example');
  const pos = ca.issue({ dns: ['pos.example'] });
  const tls = { cert: pos.chain, key: pos.key, ca: ca.cert };

  it('RFC 9449: a token without its proof, and with one that is none', async () => {
    const issuer = await startIssuer((url) => boundShop({ url }));
    const app = edge({
      issuer: issuer.url,
      credentials: { clientId: 'app', secret: secretOf('app') },
      dpop: true,
    });
    const { token } = await app.tokenFor({ scope: 'order' });
    const { ask, decisions } = await reportingShop(issuer.url);
    const found = [
      await ask(`DPoP ${token}`),
      await ask(`Bearer ${token}`),
      await ask(`DPoP ${token}`, { dpop: 'a.b.c' }),
    ];
    expect(found).to.deep.equal(
      ['invalid_dpop_proof', 'token_presenter', 'invalid_dpop_proof'].map((code) => [
        'unverified',
        'reported',
        code,
      ]),
    );
    expect(JSON.stringify(decisions)).not.to.include(token);
  });

  it('RFC 8705: a token without its certificate', async () => {
    const issuer = await startTlsIssuer((url) => boundShop({ url }), { ca, keySets: new Map() });
    const till = edge({
      issuer: issuer.url,
      credentials: { clientId: 'pos', method: 'tls_client_auth', ...tls },
    });
    const { token } = await till.tokenFor({ scope: 'order' });
    const { ask } = await reportingShop(issuer.url, tls);
    expect(await ask(`Bearer ${token}`)).to.deep.equal(['unverified', 'reported', 'token_presenter']);
  });
});
