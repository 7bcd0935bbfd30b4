import crypto, { createHmac } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

import { expect } from 'chai';
import fc from 'fast-check';
import { exportSPKI, importJWK } from 'jose';
import type { CryptoKey } from 'jose';

import { isWaybillError } from '../../src/errors.ts';
import { refusal } from '../../src/middleware/index.ts';
import {
  SIGNING_ALGORITHMS,
  keySet,
  tokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
} from '../../src/token/index.ts';
import {
  AUDIENCE,
  ISSUER,
  NOW,
  base64url,
  claims,
  forge,
  makeSigner,
  type Json,
  type Signer,
} from '../support/keys/signer.ts';
import { failure } from '../support/failure.ts';

describe('verifying a token', () => {
  let signer: Signer;
  let verify: TokenVerifier;

  function verifier(options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
    const keys = keySet({ keys: [signer.publicJwk] });
    return tokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys, clock: () => NOW, ...options });
  }

  before(async () => {
    signer = await makeSigner();
    verify = verifier();
  });

  it('takes a token that is right, and gives its claims and scopes', async () => {
    const token = await signer.sign(claims());
    const verified = await verify(token);
    expect(verified.claims).to.deep.equal(claims());
    expect(verified.scopes).to.deep.equal(['order:place', 'order:read']);
    expect(verified.compact).to.equal(token);
  });

  for (const alg of SIGNING_ALGORITHMS) {
    it(`takes ${alg}`, async () => {
      const other = await makeSigner(alg);
      const keys = keySet({ keys: [signer.publicJwk, other.publicJwk].slice(alg === 'ES256' ? 1 : 0) });
      expect((await verifier({ keys })(await other.sign(claims()))).claims.sub).to.equal('login:alice');
    });
  }

  describe('where node:crypto throws', () => {
    const original = crypto.verify;
    const broken = (message: string) => () => {
      throw new Error(message);
    };

    before(() => {
      crypto.verify = broken('no node:crypto');
      syncBuiltinESMExports();
    });
    after(() => {
      crypto.verify = original;
      syncBuiltinESMExports();
    });

    for (const alg of SIGNING_ALGORITHMS) {
      it(`checks ${alg} with Web Crypto`, async () => {
        const other = await makeSigner(alg);
        const own = verifier({ keys: keySet({ keys: [other.publicJwk] }) });
        const [token, stranger] = [
          await other.sign(claims()),
          await other.sign(claims({ sub: 'login:eve' })),
        ];
        expect((await own(token)).compact).to.equal(token);
        const forged = token.slice(0, token.lastIndexOf('.')) + stranger.slice(stranger.lastIndexOf('.'));
        await failure('token_signature', () => own(forged), forged);
      });
    }

    it('tells a failure of all crypto from a wrong signature: it refuses no request', async () => {
      const token = await signer.sign(claims());
      globalThis.crypto.subtle.verify = broken('no Web Crypto');
      try {
        const error = await failure('crypto_failed', () => verify(token), token);
        expect(error.cause).to.have.property('message', 'no node:crypto');
        expect(refusal(error)).to.equal(undefined);
      } finally {
        Reflect.deleteProperty(globalThis.crypto.subtle, 'verify'); // that of the prototype is back
      }
    });
  });

  it('takes one audience of several, and the long form of the type', async () => {
    const token = await signer.sign(claims({ aud: ['https://other.example', AUDIENCE] }), {
      typ: 'application/at+jwt',
    });
    expect((await verify(token)).scopes).to.have.length(2);
  });

  it('RFC 9068 section 2.2.3: takes a token without a scope', async () => {
    expect((await verify(await signer.sign(claims({ scope: undefined })))).scopes).to.deep.equal([]);
  });

  it('takes any audience where none is asked', async () => {
    const anywhere = verifier({ audience: undefined });
    expect((await anywhere(await signer.sign(claims({ aud: 'https://any.example' })))).claims.aud).to.match(
      /any/,
    );
  });

  it('gives claims that nobody can change', async () => {
    const verified = await verify(await signer.sign(claims({ groups: ['staff'] })));
    expect(() => (verified.claims['groups'] as string[]).push('admin')).to.throw(TypeError);
    expect(() => (verified.scopes as string[]).push('refund')).to.throw(TypeError);
  });

  describe('when', () => {
    it('RFC 7519 section 4.1.4: ends a token at the very second of exp, without tolerance', async () => {
      expect(await verifier({ clockTolerance: 60 })(await signer.sign(claims({ exp: NOW + 1 })))).to.be.an(
        'object',
      );
      const token = await signer.sign(claims({ exp: NOW }));
      await failure('token_expired', () => verifier({ clockTolerance: 60 })(token), token);
    });

    for (const claim of ['iat', 'nbf']) {
      it(`lets ${claim} lie 5 seconds ahead, and no more`, async () => {
        expect(await verify(await signer.sign(claims({ [claim]: NOW + 5 })))).to.be.an('object');
        const token = await signer.sign(claims({ [claim]: NOW + 6 }));
        await failure('token_not_yet_valid', () => verify(token), token);
      });
    }
  });

  describe('an attack', () => {
    it('a changed payload under a good signature', async () => {
      const [header, , signature] = (await signer.sign(claims())).split('.');
      const token = [header, base64url(JSON.stringify(claims({ sub: 'login:mallory' }))), signature].join(
        '.',
      );
      await failure('token_signature', () => verify(token), token);
    });

    it('a changed header under a good signature', async () => {
      const [, payload, signature] = (await signer.sign(claims())).split('.');
      const header = base64url(JSON.stringify({ typ: 'at+jwt', alg: 'ES256', kid: signer.kid }));
      await failure('token_signature', () => verify(`${header}.${payload}.${signature}`));
    });

    it('reports nothing about the claims of an unsigned token', async () => {
      const token = forge(
        { alg: 'ES256', typ: 'at+jwt', kid: signer.kid },
        claims({ exp: 1, iss: 'https://evil.example' }),
      );
      await failure('token_signature', () => verify(token), token);
    });

    it('another key under the same key id', async () => {
      const other = await makeSigner('ES256', signer.kid);
      const token = await other.sign(claims());
      await failure('token_signature', () => verify(token), token);
    });

    it('threat 9: a key id that the issuer does not have, paths included', async () => {
      for (const kid of ['other', '../../dev/null', '__proto__', 'constructor']) {
        const token = await signer.sign(claims(), { kid });
        await failure('token_key_unknown', () => verify(token), token);
      }
      const token = await signer.sign(claims(), { kid: undefined });
      await failure('token_key_unknown', () => verify(token), token);
    });

    for (const alg of ['none', 'None', 'HS256', 'ES384', 'RS512', '']) {
      it(`threat 7: the algorithm ${JSON.stringify(alg)}`, async () => {
        const token = forge({ alg, typ: 'at+jwt', kid: signer.kid }, claims());
        await failure('token_algorithm', () => verify(token), token);
      });
    }

    it('threat 7: HS256 with the public key as the secret', async () => {
      const rsa = await makeSigner('RS256');
      const secret = await exportSPKI((await importJWK(rsa.publicJwk, 'RS256')) as CryptoKey);
      const signed = `${base64url(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: rsa.kid }))}.${base64url(JSON.stringify(claims()))}`;
      const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
      await failure(
        'token_algorithm',
        () => verifier({ keys: keySet({ keys: [rsa.publicJwk] }) })(token),
        token,
      );
    });

    it('threat 7: the same RSA key with the algorithm that it is not for', async () => {
      const rsa = await makeSigner('RS256');
      const keys = keySet({ keys: [{ ...rsa.publicJwk, alg: 'PS256' }] });
      const token = await rsa.sign(claims());
      await failure('token_algorithm', () => verifier({ keys })(token), token);
    });

    it('an algorithm that this verifier does not take', async () => {
      const token = await signer.sign(claims());
      await failure('token_algorithm', () => verifier({ algorithms: ['Ed25519'] })(token), token);
    });

    it('threat 9: a key of its own in jwk, or an address for one in jku', async () => {
      const mallory = await makeSigner('ES256', signer.kid);
      const keys: Json[] = [{ jwk: mallory.publicJwk }, { jku: 'https://evil.example/jwks' }];
      for (const header of keys) {
        const token = await mallory.sign(claims(), header);
        await failure('token_malformed', () => verify(token), token);
      }
    });

    for (const typ of [
      'JWT',
      'dpop+jwt',
      'token-introspection+jwt',
      'client-authentication+jwt',
      'xat+jwt',
      undefined,
      5,
    ]) {
      it(`threat 8, RFC 9068 section 4: a token of type ${String(typ)} by the same issuer`, async () => {
        const token = await signer.sign(claims(), { typ });
        await failure('token_type', () => verify(token), token);
      });
    }

    it('a token of another issuer, however alike its URL', async () => {
      for (const iss of [
        'https://evil.example',
        `${ISSUER}/`,
        ISSUER.toUpperCase(),
        `${ISSUER}.evil.example`,
      ]) {
        const token = await signer.sign(claims({ iss }));
        await failure('token_issuer', () => verify(token), token);
      }
    });

    it('RFC 9068 section 4: a token for another audience, however alike its name', async () => {
      for (const aud of ['https://payment.boutique.example', `${AUDIENCE}/`, [`${AUDIENCE}/x`, 'checkout']]) {
        const token = await signer.sign(claims({ aud }));
        await failure('token_audience', () => verify(token), token);
      }
    });
  });

  describe('the claims', () => {
    for (const claim of ['iss', 'aud', 'sub', 'client_id', 'exp', 'iat', 'jti', 'txn']) {
      it(`${claim === 'txn' ? 'RFC 8417' : 'RFC 9068'} section 2.2: needs ${claim}`, async () => {
        const token = await signer.sign(claims({ [claim]: undefined }));
        const error = await failure('token_claims', () => verify(token), token);
        expect(error.message).to.include(claim);
      });
    }

    const unfit: Json = {
      iss: 1,
      aud: [],
      sub: '',
      client_id: null,
      exp: '1900000000',
      iat: -1,
      nbf: 'now',
      jti: 7,
      txn: {},
      scope: ['a'],
      act: 'checkout',
      embedded: { payment: 1 },
      on_demand: ['payment'],
    };
    for (const [claim, value] of Object.entries(unfit)) {
      it(`refuses ${claim} as ${JSON.stringify(value)}`, async () => {
        const token = await signer.sign(claims({ [claim]: value }));
        const error = await failure('token_claims', () => verify(token), token);
        expect(error.message).to.include(claim);
      });
    }

    it('refuses an exp beyond all numbers', async () => {
      const token = await signer.sign(JSON.stringify(claims()).replace(`"exp":${NOW + 300}`, '"exp":1e999'));
      await failure('token_claims', () => verify(token), token);
    });

    it('refuses scopes with two blanks between, or a quote', async () => {
      for (const scope of ['', 'a  b', ' a', 'a ', 'a"b', 'a\\b', 'ä']) {
        const token = await signer.sign(claims({ scope }));
        await failure('token_claims', () => verify(token), token);
      }
    });
  });

  it('answers random text with a WaybillError, and lets no change of one byte pass', async () => {
    const token = await signer.sign(claims());
    const changed = fc
      .tuple(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.=+/ ~'))
      .map(([at, character]) => token.slice(0, at) + character + token.slice(at + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), changed), async (candidate) => {
        fc.pre(candidate !== token);
        const error: unknown = await verify(candidate).then(
          () => 'it was taken',
          (thrown: unknown) => thrown,
        );
        expect(isWaybillError(error), String(error)).to.equal(true);
      }),
    );
  });
});

describe('a key set', () => {
  it('leaves out keys that are not for signatures or name no algorithm', async () => {
    const signer = await makeSigner();
    const bare = { ...signer.publicJwk };
    delete bare.alg;
    for (const key of [bare, { ...signer.publicJwk, use: 'enc' }, { ...signer.publicJwk, alg: 'ES384' }]) {
      const token = await signer.sign(claims());
      const verify = tokenVerifier({ issuer: ISSUER, keys: keySet({ keys: [key] }), clock: () => NOW });
      await failure('token_key_unknown', () => verify(token), token);
    }
  });

  it('refuses an invalid set, symmetric and private keys, a repeated key id, too many keys, and a deeply nested one', async () => {
    const { publicJwk } = await makeSigner();
    const oct = { kty: 'oct', k: 'c2VjcmV0LXNlY3JldA', kid: 'h', alg: 'HS256' };
    const sets: unknown[] = [
      null,
      [],
      { keys: {} },
      { keys: [1] },
      { keys: [oct] },
      { keys: [{ ...publicJwk, d: 'c2VjcmV0' }] },
      { keys: [publicJwk, publicJwk] },
      { keys: [{ ...publicJwk, x5c: JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) as unknown }] },
      { keys: Array.from({ length: 101 }, (_, index) => ({ ...publicJwk, kid: `k${index}` })) },
    ];
    for (const set of sets) await failure('keys_invalid', () => keySet(set), 'c2VjcmV0');
  });
});
