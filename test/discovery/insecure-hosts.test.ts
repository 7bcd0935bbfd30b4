/** Plain http inside a mesh: for the named hosts exactly. */
import { expect } from 'chai';

import { readInsecureHost, secureUrl } from '../../src/discovery/index.ts';
import { extractor, gateway, type ExtractorOptions } from '../../src/middleware/index.ts';
import { failure } from '../support/failure.ts';
import { closeServers } from '../support/http.ts';
import { startScriptedIssuer } from '../support/issuer/scripted.ts';
import { AUDIENCE, NOW } from '../support/keys/signer.ts';

const HOSTS = ['waybill.ns.svc', 'tokens.ns.svc:8080', '[fd00::1]'];

describe('insecureHosts', () => {
  afterEach(closeServers);

  it('allow http for these hosts exactly, whatever a look-alike changes', () => {
    const accepted = [
      'http://waybill.ns.svc',
      'http://waybill.ns.svc:80/jwks',
      'http://WAYBILL.ns.svc/tenant',
      'http://tokens.ns.svc:8080/token',
      'http://[fd00::1]/',
      'http://[fd00:0:0::1]/',
      'https://anything.example',
      'http://127.0.0.1:8080',
    ];
    for (const address of accepted) expect(secureUrl(address, HOSTS), address).to.be.instanceOf(URL);
    const refused = [
      'http://waybill.ns.svc:8080',
      'http://waybill.ns.svc.',
      'http://waybill.ns.svc.evil.example',
      'http://evil-waybill.ns.svc',
      'http://a.waybill.ns.svc',
      'http://ns.svc',
      'http://tokens.ns.svc',
      'http://tokens.ns.svc:80801',
      'http://waybill.ns.svc@evil.example',
      'http://user@waybill.ns.svc',
      'http://waybill.ns.svc:80@evil.example',
      'http://evil.example/waybill.ns.svc',
      'http://evil.example?waybill.ns.svc',
      'http://waybill.ns.svc#evil',
      'http://wаybill.ns.svc',
      'http://[fd00::2]/',
      'http://[::ffff:fd00:1]/',
      'ftp://waybill.ns.svc',
      'ws://waybill.ns.svc',
    ];
    for (const address of refused) expect(secureUrl(address, HOSTS), address).to.equal(undefined);
    expect(secureUrl('http://waybill.ns.svc')).to.equal(undefined);
  });

  it('are hosts as a URL writes them, and nothing that could stand for several', async () => {
    expect(readInsecureHost('Waybill.NS.svc:80')).to.equal('waybill.ns.svc');
    for (const host of [
      ...['', '*', '*.ns.svc', '.ns.svc', 'waybill.ns.svc.', 'http://waybill.ns.svc', 'waybill.ns.svc/'],
      ...[
        'user@waybill',
        '0x7f.1',
        '010.0.0.1',
        'fd00::1',
        '[fd00:0::1]',
        'a:b',
        'a:80801',
        'wаybill',
        'a b',
      ],
    ]) {
      expect(readInsecureHost(host), host).to.equal(undefined);
      const options = { issuer: 'https://i.example', audience: 'a', caller: 'none', insecureHosts: [host] };
      await failure('usage', () => extractor(options as ExtractorOptions));
    }
  });

  it('hold for the issuer, its metadata, its keys and its endpoints; without them nothing changes', async () => {
    const issuer = 'http://waybill.ns.svc';
    const base = { issuer, audience: AUDIENCE, caller: 'none' } as const;
    const error = await failure('usage', () => extractor(base));
    expect(error.message).to.equal('issuer must be an https URL, or http on loopback');
    const credentials = { clientId: 'edge', secret: 'x' };
    await failure('usage', () => gateway({ issuer, credentials }));
    const insecureHosts = ['waybill.ns.svc'];
    gateway({ issuer, credentials, insecureHosts });
    for (const name of ['jwksUri', 'tokenEndpoint', 'introspectionEndpoint']) {
      extractor({ ...base, insecureHosts, [name]: `${issuer}/x` });
      await failure('usage', () => extractor({ ...base, insecureHosts, [name]: 'http://other.ns.svc/x' }));
    }
    const real = await startScriptedIssuer();
    const authorization = `Bearer ${await real.token({ iss: issuer })}`;
    const asked: string[] = [];
    const answering = (host: string): ExtractorOptions => ({
      ...base,
      insecureHosts,
      clock: () => NOW,
      fetch: async (address) => {
        const { pathname, href } = new URL(address);
        asked.push(href);
        if (pathname === '/jwks') return fetch(`${real.url}/jwks`);
        return Response.json({ issuer, jwks_uri: `http://${host}/jwks` });
      },
    });
    expect((await extractor(answering('waybill.ns.svc')).authenticate({ authorization })).verified).to.equal(
      true,
    );
    expect(asked).to.deep.equal([
      'http://waybill.ns.svc/.well-known/oauth-authorization-server',
      'http://waybill.ns.svc/jwks',
    ]);
    const elsewhere = extractor(answering('other.ns.svc'));
    await failure('issuer_metadata', () => elsewhere.authenticate({ authorization }));
  });
});
