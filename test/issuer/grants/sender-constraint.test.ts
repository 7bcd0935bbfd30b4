/** The sender constraint of a root, where a program hands the presented keys of a request to the issuer itself. */
import { expect } from 'chai';

import { WaybillError } from '../../../src/errors.ts';
import { thumbprintOf } from '../../../src/identity/index.ts';
import type { PresentedKeys } from '../../../src/issuer/index.ts';
import { boundShop } from '../../support/graphs/bound.ts';
import { proofSigner } from '../../support/keys/dpop.ts';
import { clientOf, exchange, issuerFor } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { planOf } from '../../support/compile.ts';
import { testCa } from '../../support/keys/certificates.ts';

const URL = 'https://tokens.example';
const NOW = 1_800_000_000;

describe('The keys that a request presents', () => {
  const plan = planOf(boundShop({ url: URL }));

  async function issue(client: string, presented: PresentedKeys) {
    const issuer = await issuerFor(plan, () => NOW);
    const tree = await issuer.issue(clientOf(plan, client), { scopes: ['order'], presented });
    expect(tokensOf(tree.token)[0]?.payload['cnf']).to.deep.equal(tree.cnf);
    return tree.cnf;
  }

  async function refusal(act: Promise<unknown>): Promise<string> {
    const error: unknown = await act.then(
      () => expect.fail('it was issued'),
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(WaybillError);
    return (error as WaybillError).code;
  }

  it('bind the root to the certificate, which a client with such tokens must present', async () => {
    const { certificate } = testCa().issue({ commonName: 'till' });
    expect(await issue('till', { certificate, proofs: [] })).to.deep.equal({
      'x5t#S256': thumbprintOf(certificate),
    });
    expect(await refusal(issue('till', { proofs: [] }))).to.equal('invalid_request');
  });

  it('bind the root to the key of a DPoP proof, which is accepted once', async () => {
    const signer = await proofSigner();
    const proofs = [await signer.proof({ method: 'POST', url: `${URL}/token`, now: NOW })];
    const issuer = await issuerFor(plan, () => NOW);
    const request = { scopes: ['order'], presented: { proofs } };
    const { cnf, tokenType } = await issuer.issue(clientOf(plan, 'free'), request);
    expect([cnf, tokenType]).to.deep.equal([{ jkt: signer.jkt }, 'DPoP']);
    expect(await refusal(issuer.issue(clientOf(plan, 'free'), request))).to.equal('invalid_dpop_proof');
    expect(await issue('free', { proofs: [] })).to.equal(undefined);
    expect(await refusal(issue('app', { proofs: [] }))).to.equal('invalid_dpop_proof');
  });

  it('of a service are none: its tokens name who presents them', async () => {
    const issuer = await issuerFor(plan, () => NOW);
    const { token } = await issuer.issue(clientOf(plan, 'free'), { scopes: ['order'] });
    const asked = { audiences: ['audit'], presented: { proofs: ['a proof'] } };
    expect(await refusal(exchange(issuer, 'shop', token, asked))).to.equal('invalid_request');
    const { cnf } = await exchange(issuer, 'shop', token, { ...asked, presented: { proofs: [] } });
    expect(cnf).to.equal(undefined);
  });
});
