/** A call that waits for another login of the user (RFC 9470): the extractor says which. */
import { expect } from 'chai';
import { StepUpRequired, extractor, isWaybillError, type Extractor } from '../../../src/middleware/index.ts';
import { conditional } from '../../support/graphs/conditional.ts';
import { closeServers } from '../../support/http.ts';
import { clientOf, secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { makeSigner } from '../../support/keys/signer.ts';

describe('A call that waits for another login', () => {
  let issuer: TestIssuer;
  let weak: string;

  before(async () => {
    const signer = await makeSigner('ES256', 'provider');
    const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
    issuer = await startIssuer((url) => conditional({ url }), { issuer: { fetch } });
    const now = Math.floor(Date.now() / 1000);
    const user = { iss: 'https://workforce.example', sub: 'u', aud: 'app', iat: now, exp: now + 300 };
    const token = await signer.sign({ ...user, role: ['support'], acr: 'urn:w:pwd' }, { typ: 'JWT' });
    const request = { scopes: ['view', 'pay'], request: { amount: 101 } };
    const tree = await issuer.issuer.issueFor(
      clientOf(issuer.plan, 'desk'),
      { token, type: 'id_token' },
      request,
    );
    weak = tree.token;
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  function front(credentials: boolean): Extractor {
    return extractor({
      issuer: issuer.url,
      audience: 'https://front.example',
      caller: 'none',
      ...(credentials ? { credentials: { clientId: 'front', secret: secretOf('front') } } : {}),
    });
  }

  /** Exchanges that the issuer refused so far. */
  const refusals = (): number => issuer.logLines().filter(({ msg }) => msg === 'refused').length;

  const failure = async (waybill: Extractor, callee: string): Promise<unknown> => {
    const context = await waybill.authenticate({ authorization: `Bearer ${weak}` });
    return context.obtainHeaders(callee).then(
      () => 'sent',
      (error: unknown) => error,
    );
  };

  for (const callee of ['payment', 'https://payment.example/charge'])
    it(`names the login for ${callee}, and asks the issuer once for several calls`, async () => {
      const waybill = front(true);
      const before = refusals();
      const errors = await Promise.all([1, 2, 3].map(() => failure(waybill, callee)));
      for (const error of [...errors, await failure(waybill, callee)]) {
        expect(error).to.be.instanceOf(StepUpRequired);
        expect(error).to.deep.include({ acrValues: ['urn:w:2fa', 'urn:w:hw'], maxAge: 300 });
      }
      expect(refusals() - before).to.equal(1);
    });

  it('is a missing child where the issuer knows nothing more, and without credentials', async () => {
    const before = refusals();
    expect(isWaybillError(await failure(front(true), 'vault'), 'child_missing')).to.equal(true);
    expect(refusals() - before).to.equal(1);
    expect(isWaybillError(await failure(front(false), 'payment'), 'child_missing')).to.equal(true);
    expect(refusals() - before).to.equal(1);
  });
});
