/** Authentication with the certificate of the connection (RFC 8705), at a real issuer that speaks TLS. */
import { expect } from 'chai';

import { createIssuer } from '../../../src/issuer/index.ts';
import { derOf, selfSigned, testCa, type Identity } from '../../support/keys/certificates.ts';
import {
  NAMED,
  askWith,
  ca,
  certificateGraph,
  certificateKeySets,
  expectRefused,
  own,
  shop,
  startCertificateIssuer,
} from '../../support/issuer/certificates.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { planOf } from '../../support/compile.ts';
import { keysFor, secretsFor } from '../../support/issuer/issue.ts';
import { keyOf, unitRsa } from '../../support/keys/weak-keys.ts';
import { failure } from '../../support/failure.ts';

describe('The certificate of a client', () => {
  let url: string;

  before(async () => {
    ({ url } = await startCertificateIssuer());
  });
  after(stopIssuers);

  const ask = async (client_id: string, as?: Identity, more?: Record<string, string>) =>
    askWith(url, client_id, as, more);

  for (const [client, names] of Object.entries(NAMED)) {
    it(`RFC 8705 section 2.1.2: is known by its ${client}`, async () => {
      const answer = await ask(client, ca.issue(names));
      expect(answer.status, answer.text).to.equal(200);
      expect(answer.json['scope']).to.equal('place');
    });

    it(`RFC 8705 section 2.1: by its ${client} only where an authority of the server signed it`, async () => {
      expectRefused(await ask(client, selfSigned(names)));
      expectRefused(await ask(client, testCa('another').issue(names)));
      expectRefused(await ask(client, shop.issue(names)));
      expectRefused(await ask(client));
    });

    it(`RFC 8705 section 2: is not another client's by its ${client}`, async () => {
      const others = [
        ...Object.keys(NAMED),
        'self',
        'mesh',
        'kiosk',
        'nobody',
        'spiffe://shop.example/mesh',
      ].filter((other) => other !== client);
      expect(others).to.have.lengthOf(9);
      for (const other of others) expectRefused(await ask(other, ca.issue(names)));
    });
  }

  it('RFC 8705 section 2.1.2: is compared whole, wildcards and authorities are no one', async () => {
    expectRefused(await ask('dns', ca.issue({ dns: ['*.shop.example'] })));
    expectRefused(await ask('dns', ca.issue({ dns: ['till.shop.example.evil.example'] })));
    expectRefused(await ask('dns', ca.issue({ commonName: 'till.shop.example' })));
    expectRefused(await ask('dn', ca.issue({ organisation: 'Shop', commonName: 'till' })));
    expectRefused(await ask('dn', ca.issue({ commonName: 'till, east' })));
    expectRefused(await ask('dn', ca.issue({ commonName: 'till, east,O=Shop' })));
    expectRefused(await ask('uri', ca.issue({ uris: ['https://till.shop.example'], isAuthority: true })));
    expectRefused(
      await ask('uri', ca.issue({ uris: ['https://till.shop.example'], notAfter: '20200201000000Z' })),
    );
  });

  it('RFC 8705 section 2.2: is itself registered, whoever signed it', async () => {
    expect((await ask('self', own)).status).to.equal(200);
    expectRefused(await ask('self', selfSigned({ commonName: 'self' })));
    expectRefused(await ask('self', ca.issue({ commonName: 'self' })));
    expectRefused(await ask('dns', own));
  });

  it('gives the same answer for every refusal', async () => {
    const stranger = shop.issue({ commonName: 'x' });
    const texts = await Promise.all(
      ['dn', 'self', 'mesh', 'kiosk', 'nobody', '__proto__'].map(
        async (name) => (await ask(name, stranger)).text,
      ),
    );
    expect(new Set(texts).size).to.equal(1);
  });

  it('RFC 6749 section 2.3: says nothing where the request authenticates in another way', async () => {
    const answer = await ask('dns', ca.issue(NAMED.dns), { client_secret: 'guess' });
    expectRefused(answer);
    const secret = secretsFor(planOf(certificateGraph('https://127.0.0.1:1'))).get('kiosk') ?? '';
    const kiosk = await ask('kiosk', ca.issue(NAMED.dns), { client_secret: secret });
    expect(kiosk.status, 'a certificate beside a secret is only part of the connection').to.equal(200);
  });

  it('starts only with key sets that hold what the method needs', async () => {
    const plan = planOf(certificateGraph('https://127.0.0.1:1'));
    const keys = await keysFor('ES256');
    const make = (name: string, document: unknown) => () => {
      const keySets = certificateKeySets().set(name, document);
      return createIssuer({ plan, keys, secrets: secretsFor(plan), keySets });
    };
    expect(make('self', { keys: [{ x5c: [derOf(own.cert)] }] })()).to.be.an('object');
    await failure('keys_missing', make('self', undefined));
    const publicKey = keyOf(unitRsa()).export({ type: 'spki', format: 'der' });
    const weak = { x5c: [derOf(selfSigned({ publicKey }).cert)] };
    for (const document of [{}, { keys: [] }, { keys: [{ x5c: ['AAAA'] }] }, { keys: [weak] }, null, []])
      await failure('keys_invalid', make('self', document));
    for (const document of [
      { keys: [] },
      { keys: [{ use: 'x509-svid', x5c: [derOf(own.cert)] }] },
      { keys: [{ use: 'jwt-svid' }] },
    ])
      await failure('keys_invalid', make('mesh', document));
  });
});
