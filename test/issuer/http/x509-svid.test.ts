/** Authentication with an X.509-SVID (draft-ietf-oauth-spiffe-client-auth), at a real issuer that speaks TLS. */
import { expect } from 'chai';

import {
  askWith,
  ca,
  expectRefused,
  friend,
  shop,
  startCertificateIssuer,
} from '../../support/issuer/certificates.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { testCa, type Identity } from '../../support/keys/certificates.ts';

describe('The X.509-SVID of a client', () => {
  let url: string;

  before(async () => {
    ({ url } = await startCertificateIssuer());
  });
  after(stopIssuers);

  const ask = async (client_id: string, as?: Identity, more?: Record<string, string>) =>
    askWith(url, client_id, as, more);

  it('X.509-SVID: is that of a SPIFFE ID, named by it or by the name in the graph', async () => {
    const svid = shop.issue({ uris: ['spiffe://shop.example/mesh'] });
    expect((await ask('mesh', svid)).status).to.equal(200);
    expect((await ask('spiffe://shop.example/mesh', svid)).status).to.equal(200);
    const service = await ask(
      'spiffe://shop.example/orders',
      shop.issue({ uris: ['spiffe://shop.example/orders'] }),
    );
    expect(service.json['error'], 'a service, known, that may not ask for trees').to.equal(
      'unauthorized_client',
    );
  });

  it('threat 17: a bundle vouches for its own trust domain alone', async () => {
    expect((await ask('friend', friend.issue({ uris: ['spiffe://friend.example/mesh'] }))).status).to.equal(
      200,
    );
    expectRefused(await ask('mesh', friend.issue({ uris: ['spiffe://shop.example/mesh'] })));
    expectRefused(await ask('mesh', ca.issue({ uris: ['spiffe://shop.example/mesh'] })));
    expectRefused(await ask('mesh', testCa('shop.example').issue({ uris: ['spiffe://shop.example/mesh'] })));
    expectRefused(await ask('friend', friend.issue({ uris: ['spiffe://shop.example/mesh'] })));
  });

  it('threat 17: an SVID is compared whole, has one URI, and is no authority', async () => {
    const id = 'spiffe://shop.example/mesh';
    for (const uris of [
      [`${id}/x`],
      [`${id}x`],
      ['spiffe://shop.example/mes'],
      [id, 'spiffe://shop.example/orders'],
      [id, 'https://x'],
    ]) {
      expectRefused(await ask('mesh', shop.issue({ uris })));
      expectRefused(await ask(id, shop.issue({ uris })));
    }
    expectRefused(await ask('mesh', shop.issue({ uris: [id], isAuthority: true })));
    expectRefused(await ask('mesh', shop.issue({ uris: [id], notAfter: '20200201000000Z' })));
    expectRefused(await ask('mesh', shop.issue({ dns: [id] })));
  });
});
