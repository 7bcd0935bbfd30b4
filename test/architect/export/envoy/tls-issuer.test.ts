/** An issuer that speaks TLS, with an authority of its own, behind which exported Envoys get their keys. */
import { expect } from 'chai';

import { planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch, scratchFile } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { testCa, type TestCa } from '../../../support/keys/certificates.ts';
import { makeSigner, type Signer } from '../../../support/keys/signer.ts';
import { listenTls, stopTlsServers } from '../../../support/tls.ts';
import { bearer, startService } from './one-service.ts';

const ISSUER = 'https://tokens.shop.example';
const graph = `waybill: 1
issuer: { url: '${ISSUER}' }
defaults: { headers: { profile: envoy }, audience: 'http://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy] } } }
services: { shop: { scopes: { buy: { operations: [POST /buy] } } } }
`;

describe(`Envoy and an issuer that speaks TLS${needsEnvoy}`, function () {
  this.timeout(60_000);
  let signer: Signer;
  const ca = testCa();
  before(async function () {
    if (!hasEnvoy) this.skip();
    signer = await makeSigner();
  });
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopTlsServers()]);
    removeScratch();
  });

  /** @param name in the certificate of the issuer. @returns the status of a request, and what the issuer was asked for. */
  async function buyWith(name: string, trusted: TestCa): Promise<[status: number, asked: readonly string[]]> {
    const { cert, key } = ca.issue({ dns: [name] });
    const asked: string[] = [];
    const origin = await listenTls(
      ({ url = '', headers: { host } }, response) => {
        asked.push(`${host} ${url}`);
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ keys: [signer.publicJwk] }));
      },
      ca,
      { cert, key },
    );
    const { request } = await startService(planOf(graph), 'shop', {
      issuerAddress: { host: '127.0.0.1', port: Number(new URL(origin).port) },
      systemAuthorities: scratchFile('authorities.pem', trusted.cert),
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, aud: 'http://shop.example', sub: 'web', client_id: 'web', scope: 'buy' };
    const token = await signer.sign({ ...claims, iat: now, exp: now + 300 });
    return [(await request('POST /buy', bearer(token))).status, [...new Set(asked)]];
  }

  it('takes keys from the issuer that the authority vouches for, and asks under its name', async () => {
    expect(await buyWith('tokens.shop.example', ca)).to.deep.equal([200, ['tokens.shop.example /jwks']]);
  });

  it('takes none from another name, and none that another authority vouches for', async () => {
    expect(await buyWith('other.shop.example', ca)).to.deep.equal([401, []]);
    expect(await buyWith('tokens.shop.example', testCa('another'))).to.deep.equal([401, []]);
  });
});
