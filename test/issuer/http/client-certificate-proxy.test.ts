/** The certificate of a client behind a proxy that speaks TLS (RFC 9440): in a header, from named addresses alone. */
import { expect } from 'chai';

import { certificateProxy } from '../../../src/identity/index.ts';
import { derOf } from '../../support/keys/certificates.ts';
import { NAMED, ca, startCertificateIssuer } from '../../support/issuer/certificates.ts';
import { stopIssuers } from '../../support/issuer/start.ts';

describe('The certificate of a client behind a proxy', () => {
  after(stopIssuers);

  const named = ca.issue(NAMED.dns);
  const escaped = encodeURIComponent(named.cert);

  async function behind(
    proxy: string[],
    headers: Record<string, string> | [string, string][],
    header?: string,
  ): Promise<number> {
    const { origin } = await startCertificateIssuer({ tls: false, proxy, ...(header ? { header } : {}) });
    const response = await fetch(`${origin}/token`, {
      method: 'POST',
      headers: new Headers(headers),
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'place', client_id: 'dns' }),
    });
    return response.status;
  }

  it('RFC 9440 section 2.2: comes in a header from a named address', async () => {
    for (const addresses of [['127.0.0.1'], ['10.0.0.1', '127.0.0.0/8'], ['::1', '127.0.0.1']]) {
      expect(await behind(addresses, { 'client-cert': `:${derOf(named.cert)}:` })).to.equal(200);
    }
    expect(await behind(['127.0.0.1'], { 'client-cert': escaped })).to.equal(200);
    const envoy = `By=spiffe://a/b;Hash=ab;Cert="${escaped}";Subject="CN=a,O=b";URI=`;
    expect(
      await behind(['127.0.0.1'], { 'x-forwarded-client-cert': envoy }, 'X-Forwarded-Client-Cert'),
    ).to.equal(200);
  });

  it('RFC 9440 section 4: is not believed from anyone else', async () => {
    const headers = { 'client-cert': `:${derOf(named.cert)}:` };
    expect(await behind(['10.0.0.1', '127.0.0.2'], headers)).to.equal(401);
    expect(await behind(['127.0.0.1'], headers, 'another-header')).to.equal(401);
    const { origin: direct } = await startCertificateIssuer({ tls: false });
    const response = await fetch(`${direct}/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'place', client_id: 'dns' }),
    });
    expect(response.status).to.equal(401);
  });

  it('is nobody’s where there are two, or none that reads', async () => {
    const structured = `:${derOf(named.cert)}:`;
    for (const value of [
      '',
      'x',
      ':AAAA:',
      '::',
      `${structured}, ${structured}`,
      encodeURIComponent(named.cert + named.cert),
      `Cert="${escaped}";Cert="${escaped}"`,
      `%zz${escaped}`,
    ]) {
      expect(await behind(['127.0.0.1'], { 'client-cert': value }), value.slice(0, 20)).to.equal(401);
    }
    const twice: [string, string][] = [
      ['client-cert', structured],
      ['client-cert', structured],
    ];
    expect(await behind(['127.0.0.1'], twice)).to.equal(401);
  });

  it('has addresses that are addresses', () => {
    for (const address of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '1.2.3'])
      expect(certificateProxy('client-cert', [address]), address).to.equal(undefined);
    expect(certificateProxy('client cert', ['10.0.0.1'])).to.equal(undefined);
    expect(certificateProxy('client-cert', [])).to.equal(undefined);
  });
});
