/** Tokens that are bound to the certificate of the connection (RFC 8705 section 3), at a real issuer that speaks TLS. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { thumbprintOf } from '../../../src/identity/index.ts';
import { boundShop } from '../../support/graphs/bound.ts';
import { proofSigner } from '../../support/keys/dpop.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { LOOPBACK, selfSigned, testCa, type Identity } from '../../support/keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../../support/tls.ts';

describe('Certificate-bound tokens', () => {
  const ca = testCa();
  const phone = ca.issue({ commonName: 'phone' });
  let issuer: TestIssuer;

  before(async () => {
    const { cert, key } = ca.issue(LOOPBACK);
    issuer = await startIssuer((url) => boundShop({ url }), {
      tls: { cert, key, clientCa: ca.cert },
      app: { clientCertificates: 'verified' },
    });
  });
  after(stopIssuers);

  const post = (
    path: string,
    client_id: string,
    as: Identity | undefined,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TlsAnswer> => {
    const method = issuer.plan.clients.get(client_id)?.auth.method;
    const secret = method === 'tls_client_auth' ? {} : { client_secret: secretOf(client_id) };
    return sendTls(`${issuer.url}${path}`, ca, {
      as,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ client_id, ...secret, ...form }).toString(),
    });
  };

  const ask = (
    client: string,
    as: Identity | undefined,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TlsAnswer> =>
    post('/token', client, as, { grant_type: 'client_credentials', scope: 'order' }, headers);

  const rootOf = ({ json, text }: TlsAnswer): string => {
    expect(json, text).to.have.property('access_token');
    return json['access_token'] as string;
  };

  it('RFC 8705 section 3.1: binds the root to the certificate of the request, and no child', async () => {
    const answer = await ask('till', phone);
    expect(answer.json['token_type'], 'it stays a bearer token').to.equal('Bearer');
    const [root, ...children] = tokensOf(rootOf(answer));
    expect(root?.payload['cnf']).to.deep.equal({ 'x5t#S256': thumbprintOf(phone.certificate) });
    expect(children).to.have.lengthOf(1);
    for (const { payload } of children) expect(payload).to.not.have.property('cnf');
  });

  it('RFC 8705 section 3: binds to the one with which the client authenticates', async () => {
    const pos = ca.issue({ dns: ['pos.example'] });
    const cnf = { 'x5t#S256': thumbprintOf(pos.certificate) };
    expect(decodeJwt(rootOf(await ask('pos', pos)))['cnf']).to.deep.equal(cnf);
  });

  it('RFC 8705 section 6.2: binds to one that nobody signed: its key is what counts', async () => {
    const own = selfSigned({ commonName: 'phone' });
    const root = rootOf(await ask('till', own));
    expect(decodeJwt(root)['cnf']).to.deep.equal({ 'x5t#S256': thumbprintOf(own.certificate) });
  });

  it('is not bound to a key that others could use', async () => {
    const { status, json } = await ask('till', selfSigned({ commonName: 'phone', rsa: 1024 }));
    expect([status, json['error']]).to.deep.equal([400, 'invalid_request']);
    expect(json['error_description']).to.match(/bound to its certificate, whose key is too weak/);
  });

  it('RFC 8705 section 3.4: a client whose tokens are always bound is refused without a certificate', async () => {
    for (const client of ['till', 'desk']) {
      const { status, json } = await ask(client, undefined);
      expect([status, json['error']]).to.deep.equal([400, 'invalid_request']);
      expect(json['error_description']).to.match(/bound to its certificate, and the connection has none/);
    }
  });

  it('RFC 8705 section 3.4: binds nothing of a client of which the graph does not say so', async () => {
    const booth = ca.issue({ dns: ['booth.example'] });
    expect(decodeJwt(rootOf(await ask('booth', booth)))).to.not.have.property('cnf');
    const { plan } = issuer;
    expect([...plan.clients.values()].map(({ name, boundTo }) => [name, boundTo])).to.deep.equal([
      ['free', undefined],
      ['app', 'dpop'],
      ['web', 'dpop'],
      ['guest', undefined],
      ['till', 'certificate'],
      ['desk', 'certificate'],
      ['pos', 'certificate'],
      ['booth', undefined],
      ['edge', undefined],
    ]);
  });

  it('is bound to one key: a DPoP proof beside the certificate is refused', async () => {
    const signer = await proofSigner();
    const now = Math.floor(Date.now() / 1000);
    const dpop = await signer.proof({ method: 'POST', url: `${issuer.url}/token`, now });
    const { status, json } = await ask('till', phone, { dpop });
    expect([status, json['error']]).to.deep.equal([400, 'invalid_request']);
    expect(json['error_description']).to.match(/till must not send a DPoP proof/);
    const booth = ca.issue({ dns: ['booth.example'] });
    const free = await ask('booth', booth, { dpop });
    expect(decodeJwt(rootOf(free))['cnf'], 'DPoP goes with any way to authenticate').to.deep.equal({
      jkt: signer.jkt,
    });
  });

  it('RFC 8705 section 3.2: introspection says the binding, of a reference too', async () => {
    const pos = ca.issue({ dns: ['pos.example'] });
    for (const [client, as] of [
      ['till', phone],
      ['desk', phone],
      ['pos', pos],
    ] as const) {
      const token = rootOf(await ask(client, as));
      const { json } = await post('/introspect', client, as, { token });
      expect(json, client).to.deep.include({
        active: true,
        token_type: 'Bearer',
        cnf: { 'x5t#S256': thumbprintOf(as.certificate) },
      });
    }
  });

  it('RFC 8705 section 3.3: the metadata says that tokens can be bound, where a client has such', async () => {
    const { json } = await sendTls(`${issuer.url}/.well-known/oauth-authorization-server`, ca);
    expect(json['tls_client_certificate_bound_access_tokens']).to.equal(true);
  });
});
