import { expect } from 'chai';
import { decodeProtectedHeader } from 'jose';

import { createIssuerInSlices, type Issuer } from '../../../src/issuer/index.ts';
import { isWaybillError } from '../../../src/errors.ts';
import { generateKey, keyRing } from '../../../src/issuer/keys/index.ts';
import { clientOf, issuerFor, keysFor, secretOf, secretsFor } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';

const plan = planOf(`waybill: 1
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: node } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [browse] } }
services: { shop: { scopes: { browse: {} } } }
`);
const kidOf = async (issuer: Issuer): Promise<unknown> => {
  const { token } = await issuer.issue(clientOf(plan, 'web'), { scopes: ['browse'], resources: [] });
  return decodeProtectedHeader(token).kid;
};
const attempt = async (issuer: Issuer, secret: string): Promise<string> =>
  issuer.authenticate({ method: 'client_secret_basic', clientId: 'web', secret }).then(
    ({ kind }) => kind,
    (error: unknown) => (isWaybillError(error) ? error.code : 'unexpected'),
  );

describe('An issuer with other keys', () => {
  it('signs with them and publishes them, and the previous issuer keeps its own', async () => {
    const issuer = await issuerFor(plan);
    const keys = keyRing([await generateKey('ES256', () => 1_750_000_000)], 'ES256');
    const other = issuer.withKeys(keys);
    expect(await kidOf(other)).to.equal(keys.signer.kid);
    expect(other.jwks).to.equal(keys.jwks);
    expect(await kidOf(issuer)).to.equal((await keysFor('ES256')).signer.kid);
  });

  it('knows the secrets, and continues the counts of failures', async () => {
    const attempts = { client: { failures: 2, seconds: 60 }, address: { failures: 100, seconds: 60 } };
    const issuer = await issuerFor(plan, undefined, { attempts });
    expect(await attempt(issuer, 'wrong')).to.equal('invalid_client');
    const other = issuer.withKeys(await keysFor('ES256'));
    expect(await attempt(other, secretOf('web'))).to.equal('client');
    expect(await attempt(other, 'wrong')).to.equal('invalid_client');
    expect(await attempt(other, secretOf('web'))).to.equal('too_many_attempts');
  });
});

describe('An issuer that is made in slices', () => {
  it('refuses the same requests as one that is made at once', async () => {
    const keys = await keysFor('ES256');
    const refused = await createIssuerInSlices({ plan, keys, secrets: new Map() }).catch((e: unknown) => e);
    expect(refused).to.include({ code: 'secret_missing' });
    const issuer = await createIssuerInSlices({ plan, keys, secrets: secretsFor(plan) });
    expect(await attempt(issuer, secretOf('web'))).to.equal('client');
  });
});
