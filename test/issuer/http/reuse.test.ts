/** Trees that are handed out again, at the token endpoint of a real issuer. */
import { expect } from 'chai';

import { keyRing, generateKey } from '../../../src/issuer/keys/index.ts';
import type { Store } from '../../../src/issuer/stores/index.ts';
import { firstStore, issuerFor } from '../../support/issuer/issue.ts';
import { proofSigner, type ProofSigner } from '../../support/keys/dpop.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { SHOP, reusing } from '../../support/graphs/reuse.ts';
import { basic, type Answer } from '../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { NOW } from '../../support/keys/signer.ts';

const GRANT = { grant_type: 'client_credentials', scope: 'look buy', resource: SHOP };

describe('The token endpoint, where trees are handed out again', () => {
  let issuer: TestIssuer;
  let store: Store;
  let now: number;
  const clock = () => now;

  beforeEach(async () => {
    now = NOW;
    store = firstStore({ clock });
    issuer = await startIssuer((url) => reusing({ url }), { issuer: { clock, store } });
  });
  after(stopIssuers);

  const ask = (headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    issuer.token(GRANT, { as: 'web', headers });
  const tokenOf = ({ body, text }: Answer): string => {
    expect(body, text).to.have.property('access_token');
    return body['access_token'] as string;
  };

  it('answers with the same token, what is left of its life, and a log line that says so', async () => {
    const first = await ask();
    now += 9;
    const second = await ask();
    expect(tokenOf(second)).to.equal(tokenOf(first));
    expect(second.body).to.deep.equal({ ...first.body, expires_in: 111 });
    expect(second.headers.get('cache-control')).to.equal('no-store');
    expect(tokenAt(tokenOf(second)).payload.exp).to.equal(now + 111);
    const [made, again] = issuer.logLines();
    expect(made).to.not.have.property('reused');
    expect(again).to.include({ msg: 'issued', reused: true, txn: made?.['txn'], tokens: made?.['tokens'] });
    expect(issuer.logText()).to.not.contain(tokenOf(first).split('.')[2]);
  });

  it('asks for the secret and for a new proof each time', async () => {
    await ask();
    const refused = await ask({ authorization: basic('web', 'guess') });
    expect([refused.status, refused.body['error']]).to.deep.equal([401, 'invalid_client']);
    const signer = await proofSigner();
    const proof = await proofBy(signer);
    expect((await ask({ dpop: proof })).status).to.equal(200);
    expect((await ask({ dpop: proof })).body['error']).to.equal('invalid_dpop_proof');
  });

  it('binds to the key of the proof: the same tree for the same key alone', async () => {
    const [one, two] = await Promise.all([proofSigner(), proofSigner()]);
    const bearer = tokenOf(await ask());
    const bound = await ask({ dpop: await proofBy(one) });
    const again = await ask({ dpop: await proofBy(one) });
    const other = await ask({ dpop: await proofBy(two) });
    expect(tokenOf(again)).to.equal(tokenOf(bound));
    expect(again.body['token_type']).to.equal('DPoP');
    expect(new Set([bearer, tokenOf(bound), tokenOf(other)]).size).to.equal(3);
    const keys = [again, other].map((answer) => tokenAt(tokenOf(answer)).payload['cnf']);
    expect(keys).to.deep.equal([{ jkt: one.jkt }, { jkt: two.jkt }]);
    expect(tokenOf(await ask())).to.equal(bearer);
  });

  it('makes a new tree once the old one is revoked, or another key signs', async () => {
    const first = tokenOf(await ask());
    await issuer.token({ token: first }, { as: 'web', path: '/revoke' });
    const second = tokenOf(await ask());
    expect(second).to.not.equal(first);
    expect(tokenOf(await ask())).to.equal(second);
    const keys = keyRing([await generateKey('ES256', clock)], 'ES256');
    issuer.issuer = await issuerFor(issuer.plan, clock, { store, keys });
    const third = tokenOf(await ask());
    expect(tokenAt(third).header['kid']).to.equal(keys.signer.kid);
    expect(third).to.not.equal(second);
  });

  function proofBy(signer: ProofSigner): Promise<string> {
    return signer.proof({ method: 'POST', url: `${issuer.url}/token`, now });
  }
});
