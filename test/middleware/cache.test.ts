import { expect } from 'chai';

import { cachedVerifier } from '../../src/middleware/verified-cache.ts';
import { keySet, tokenVerifier } from '../../src/token/index.ts';
import type { TokenVerifier } from '../../src/token/index.ts';
import { AUDIENCE, ISSUER, NOW, base64url, claims, failure, makeSigner } from '../token/signing.ts';
import type { Signer } from '../token/signing.ts';

describe('the cache of verified tokens', () => {
  let signer: Signer;
  let now: number;
  let verifications: number;

  before(async () => {
    signer = await makeSigner();
  });
  beforeEach(() => {
    now = NOW;
    verifications = 0;
  });

  /** A real verifier with a count before it. */
  function cached(tokens: number, maxAge = 600): TokenVerifier {
    const clock = (): number => now;
    const keys = keySet({ keys: [signer.publicJwk] });
    const verify = tokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys, clock });
    return cachedVerifier(
      (token) => {
        verifications += 1;
        return verify(token);
      },
      { tokens, maxAge, clock },
    );
  }

  it('gives the same object for the same token', async () => {
    const verify = cached(10);
    const token = await signer.sign(claims());
    expect(await verify(token)).to.equal(await verify(token));
    expect(verifications).to.equal(1);
  });

  it('is off with 0 tokens', async () => {
    const verify = cached(0);
    const token = await signer.sign(claims());
    expect(await verify(token)).to.not.equal(await verify(token));
  });

  it('threat 14: does not take a forged payload under a cached signature, nor forget the real token for it', async () => {
    const verify = cached(10);
    const token = await signer.sign(claims());
    await verify(token);
    const [header, , signature] = token.split('.');
    const forged = [header, base64url(JSON.stringify(claims({ sub: 'login:admin' }))), signature].join('.');
    await failure('token_signature', () => verify(forged), forged);
    await failure('token_malformed', () => verify(`x.${signature}`));
    expect(verifications).to.equal(3);
    await verify(token);
    expect(verifications).to.equal(3);
  });

  it('does not keep a token beyond exp', async () => {
    const verify = cached(10);
    const token = await signer.sign(claims({ exp: NOW + 30 }));
    await verify(token);
    now += 29;
    await verify(token);
    expect(verifications).to.equal(1);
    now += 1;
    await failure('token_expired', () => verify(token), token);
  });

  it('does not keep a token longer than its age', async () => {
    const verify = cached(10, 20);
    const token = await signer.sign(claims());
    await verify(token);
    now += 19;
    await verify(token);
    expect(verifications).to.equal(1);
    now += 1;
    await verify(token);
    expect(verifications).to.equal(2);
  });

  it('holds so many tokens and drops the one that was not used for longest', async () => {
    const verify = cached(2);
    const [first, second, third] = await Promise.all(
      ['1', '2', '3'].map((jti) => signer.sign(claims({ jti }))),
    );
    for (const token of [first, second, first, third]) await verify(token ?? '');
    expect(verifications).to.equal(3);
    await verify(first ?? '');
    expect(verifications).to.equal(3);
    await verify(second ?? '');
    expect(verifications).to.equal(4);
  });

  it('keeps no token that was refused', async () => {
    const verify = cached(10);
    const token = await signer.sign(claims({ exp: NOW }));
    await failure('token_expired', () => verify(token));
    await failure('token_expired', () => verify(token));
    expect(verifications).to.equal(2);
  });
});
