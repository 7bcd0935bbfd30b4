import { createPublicKey } from 'node:crypto';

import { expect } from 'chai';
import { createVerifier } from 'fast-jwt';
import type { Algorithm } from 'fast-jwt';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';

import { planRequest } from '../../../src/planning/request-plan.ts';
import {
  keySet,
  pack,
  tokenVerifier,
  unpack,
  type Confirmation,
  type SigningAlgorithm,
} from '../../../src/token/index.ts';
import { issuerFor, clientOf } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { planOf } from '../../support/compile.ts';

const ISSUER = 'https://tokens.shop.example';

const graph = (signing: SigningAlgorithm) => `
waybill: 1
issuer: { url: '${ISSUER}', signing: ${signing} }
claims: { motto: { value: "Größe, 100 % 🚚" } }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    default_scopes: [place]
    calls: { orders: [place] }
services:
  orders: { scopes: { place: { claims: [motto], calls: { payment: [charge], mail: [send] } } } }
  payment: { scopes: { charge: { calls: { ledger: [write] } } } }
  ledger: { scopes: { write: {} } }
  mail: { scopes: { send: {} } }
`;

/** The bytes that a signature of each has (RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1). */
const SIGNATURE_BYTES: Readonly<Record<SigningAlgorithm, number>> = {
  ES256: 64,
  Ed25519: 64,
  EdDSA: 64,
  PS256: 256,
  RS256: 256,
};

async function issued(alg: SigningAlgorithm, cnf?: Confirmation) {
  const plan = planOf(graph(alg));
  const issuer = await issuerFor(plan);
  const { token } = await issuer.issue(clientOf(plan, 'web'), { cnf });
  return { plan, tokens: tokensOf(token), jwks: issuer.jwks as unknown as JSONWebKeySet };
}

describe('Signing algorithms', () => {
  for (const alg of ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const) {
    it(`${alg}: every token of a tree verifies with jose under its own audience`, async () => {
      const { tokens, jwks } = await issued(alg);
      const keys = createLocalJWKSet(jwks);
      expect(tokens).to.have.lengthOf(4);
      for (const { compact, payload } of tokens) {
        const options = { issuer: ISSUER, audience: payload.aud as string, typ: 'at+jwt', algorithms: [alg] };
        const { protectedHeader } = await jwtVerify(compact, keys, options);
        expect(protectedHeader).to.deep.equal({ alg, typ: 'at+jwt', kid: jwks.keys[0]?.kid });
      }
    });

    it(`${alg}: the published key names its algorithm and its use, and one flipped bit fails`, async () => {
      const { tokens, jwks } = await issued(alg);
      expect(jwks.keys.map((key) => [key.alg, key.use])).to.deep.equal([[alg, 'sig']]);
      const verify = tokenVerifier({ issuer: ISSUER, keys: keySet(jwks) });
      const [root] = tokens;
      await verify(root?.compact as string);
      const [header, payload, signature] = (root?.compact as string).split('.') as [string, string, string];
      const bytes = Buffer.from(signature, 'base64url');
      bytes[9] = (bytes[9] as number) ^ 1;
      const forged = [header, payload, bytes.toString('base64url')].join('.');
      const refusal = await verify(forged).catch((error: { code: string }) => error.code);
      expect(refusal).to.equal('token_signature');
    });

    it(`${alg}: a signature has ${SIGNATURE_BYTES[alg]} bytes, and the plan foresees the root to the byte`, async () => {
      // A plan tells of the largest: a root that is bound to a key.
      const { plan, tokens } = await issued(alg, { jkt: 'k'.repeat(43) });
      for (const { compact } of tokens) {
        const signature = Buffer.from(compact.split('.')[2] as string, 'base64url');
        expect(signature).to.have.lengthOf(SIGNATURE_BYTES[alg]);
      }
      expect(planRequest(plan, 'web', {}).root.bytes?.nested).to.equal(tokens[0]?.compact.length);
    });
  }

  for (const alg of ['ES256', 'EdDSA', 'PS256', 'RS256'] as const) {
    it(`${alg}: every token of a tree verifies with fast-jwt`, async () => {
      const { tokens, jwks } = await issued(alg);
      expectAllVerified(tokens, jwks, alg);
    });
  }

  it('Ed25519: fast-jwt knows only the older name EdDSA (RFC 9864 retires it) and refuses every token', async () => {
    const { tokens, jwks } = await issued('Ed25519');
    expect(() => expectAllVerified(tokens, jwks, 'EdDSA')).to.throw();
  });

  it('EdDSA: a tree packs and unpacks to the byte, and each packed token verifies', async () => {
    const { tokens, jwks } = await issued('EdDSA');
    const verify = tokenVerifier({ issuer: ISSUER, keys: keySet(jwks) });
    expect(tokens).to.have.lengthOf(4);
    for (const { compact } of tokens) {
      const packed = pack(compact);
      expect(unpack(packed)).to.equal(compact);
      expect((await verify(packed)).header).to.include({ alg: 'EdDSA' });
    }
  });

  it('RFC 8725 section 3.1: a key serves the one name of its algorithm, EdDSA or Ed25519', async () => {
    const refusals: unknown[] = [];
    for (const [alg, other] of [
      ['EdDSA', 'Ed25519'],
      ['Ed25519', 'EdDSA'],
    ] as const) {
      const { tokens, jwks } = await issued(alg);
      const renamed = { keys: jwks.keys.map((key) => ({ ...key, alg: other })) };
      const verify = tokenVerifier({ issuer: ISSUER, keys: keySet(renamed) });
      refusals.push(
        await verify(tokens[0]?.compact as string).catch((error: { code: string }) => error.code),
      );
    }
    expect(refusals).to.deep.equal(['token_algorithm', 'token_algorithm']);
  });

  function expectAllVerified(tokens: ReturnType<typeof tokensOf>, jwks: JSONWebKeySet, alg: Algorithm): void {
    const key = createPublicKey({ key: { ...jwks.keys[0] }, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    });
    for (const { compact, payload } of tokens) {
      const verify = createVerifier({
        key: key.toString(),
        algorithms: [alg],
        allowedAud: payload.aud as string,
        allowedIss: ISSUER,
        checkTyp: 'at+jwt',
      });
      expect(verify(compact)).to.deep.equal(payload);
    }
  }
});
