/** `peerOf` and `authenticate({ peer })`: names of a peer, as a proxy that verified its certificate says them. */
import { expect } from 'chai';

import { extractor } from '../../../src/middleware/index.ts';
import { closeServers, listen, send } from '../../support/http.ts';
import { FRONT, openShop, type Shop } from '../../mesh/shop.ts';

const STOCK = 'https://stock.shop.example';
const CALLER = 'spiffe://shop.example/front';
/** As Envoy writes it: the hash of the certificate always. */
const element = (uri: string) => `By=spiffe://shop.example/stock;Hash=${'0a'.repeat(32)};URI=${uri}`;
const named = (...uris: readonly string[]) => ({ 'x-forwarded-client-cert': uris.map(element).join(',') });

describe('peerOf and authenticate', () => {
  let shop: Shop;
  let child: string;

  before(async () => {
    shop = await openShop();
    const context = await extractor({
      issuer: shop.issuer.url,
      audience: FRONT,
      caller: 'none',
    }).authenticate({
      authorization: `Bearer ${await shop.root()}`,
    });
    child = (await context.obtainHeaders('stock'))['authorization'] ?? '';
  });
  after(async () => {
    await closeServers();
    await shop.close();
  });

  /** @param clientCertFrom the proxy that is trusted. */
  async function serve(clientCertFrom: string): Promise<string> {
    const waybill = extractor({
      ...{ issuer: shop.issuer.url, audience: STOCK, caller: 'mtls' },
      ...{ clientCertHeader: 'x-forwarded-client-cert', clientCertFrom: [clientCertFrom] },
    });
    return listen((request, response) => {
      const peer = waybill.peerOf(request);
      response.setHeader('content-type', 'application/json');
      waybill.authenticate({ authorization: request.headers.authorization, peer }).then(
        ({ claims }) => response.end(JSON.stringify({ act: claims.act?.sub, peer })),
        ({ code }: { code: string }) => response.end(JSON.stringify({ code, peer })),
      );
    });
  }
  const ask = async (address: string, headers: Readonly<Record<string, string>>) =>
    (await send(address, { headers: { authorization: child, ...headers } })).body;

  it('take the names that a trusted proxy says', async () => {
    const address = await serve('127.0.0.1');
    expect(await ask(address, named(CALLER))).to.deep.equal({
      act: CALLER,
      peer: { uris: [CALLER], dns: [] },
    });
    const other = await ask(address, named('spiffe://shop.example/ads'));
    expect(other).to.include({ code: 'token_presenter' });
    // What the peer itself sent stands before what the proxy has added.
    const forged = await ask(address, named(CALLER, 'spiffe://shop.example/ads'));
    expect(forged).to.include({ code: 'token_presenter' });
    expect(await ask(address, {})).to.deep.equal({ code: 'token_presenter' });
  });

  it('ignore a header that another address forged', async () => {
    expect(await ask(await serve('10.0.0.0/8'), named(CALLER))).to.deep.equal({ code: 'token_presenter' });
  });
});
