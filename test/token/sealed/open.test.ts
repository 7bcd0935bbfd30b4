/** What a service accepts as sealed to it, and what it refuses, always in the same way. */
import { expect } from 'chai';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { isWaybillError } from '../../../src/errors.ts';
import { KEY_AGREEMENTS, type KeyAgreement, type SealCurve } from '../../../src/protocol.ts';
import {
  isSealed,
  readSealedHeader,
  sealOpener,
  sealToken,
  sealedLength,
  sealedParts,
} from '../../../src/token/index.ts';
import { sealKeyPair, type SealKeyPair } from '../../support/keys/seal-keys.ts';

const AUD = 'https://vault.example';
const NESTED = 'eyJh.eyJi.c2ln';
const MAX = 1000;

async function opened(token: string, pair: SealKeyPair, audiences = [AUD], max = MAX): Promise<string> {
  const { nested } = await sealOpener({ keys: [pair.privateJwk] }, audiences, max)(token);
  return nested;
}

/** @returns code and message of the refusal. */
async function refusal(token: string, pair: SealKeyPair, audiences = [AUD], max = MAX): Promise<string> {
  try {
    await opened(token, pair, audiences, max);
  } catch (error) {
    if (isWaybillError(error))
      return `${error.code}: ${error.message}; ${String(error.detail)} ${String(error.cause)}`;
    throw error;
  }
  return 'opened';
}

const REFUSED = 'token_sealed: the token is not sealed as this service accepts it; undefined undefined';

describe('A sealed token', () => {
  let pair: SealKeyPair;

  before(async () => {
    pair = await sealKeyPair('enc-1');
  });

  const sealed = (nested = NESTED, exp?: number, to = pair, aud = AUD): Promise<string> =>
    sealToken(nested, { alg: 'ECDH-ES', crv: 'P-256', kid: to.publicJwk.kid, key: to.publicJwk }, aud, exp);

  /** Whatever header and content, encrypted to the service by anyone. */
  const forged = (header: object, content = NESTED, key = pair.publicJwk): Promise<string> =>
    new CompactEncrypt(new TextEncoder().encode(content))
      .setProtectedHeader({
        ...{ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT', kid: key.kid, aud: AUD },
        ...header,
      })
      .encrypt(key);

  const CASES: readonly (readonly [SealCurve, KeyAgreement])[] = (['P-256', 'X25519'] as const).flatMap(
    (crv) => KEY_AGREEMENTS.map((alg) => [crv, alg] as const),
  );
  for (const [crv, alg] of CASES) {
    it(`has exactly the counted characters, and opens with the key alone: ${crv}, ${alg} (S3)`, async () => {
      const own = await sealKeyPair('k', { crv, alg });
      const key = { alg, crv, kid: 'k', key: own.publicJwk };
      for (const exp of [undefined, 1_750_000_000]) {
        for (const nested of [NESTED, `${NESTED}a`, `${NESTED}ab`, 'x.'.repeat(1500)]) {
          const token = await sealToken(nested, key, AUD, exp);
          const parts = sealedParts(nested.length, key, AUD, exp !== undefined);
          expect(token.split('.').map((part) => part.length)).to.deep.equal(parts);
          expect(token).to.have.lengthOf(sealedLength(parts));
        }
        expect(await opened(await sealToken(NESTED, key, AUD, exp), own)).to.equal(NESTED);
      }
    });
  }

  it('says in its header, in this order, how, for whom and until when it is sealed, and no more (S2)', async () => {
    const [header = ''] = (await sealed(NESTED, 1_750_000_000)).split('.');
    const written = Buffer.from(header, 'base64url').toString();
    expect(Object.keys(JSON.parse(written) as object)).to.deep.equal([
      ...['alg', 'enc', 'cty', 'kid', 'aud', 'exp', 'epk'],
    ]);
    expect(readSealedHeader(await sealed())).to.not.have.property('exp');
  });

  it('is another one each time', async () => {
    expect(await sealed()).to.not.equal(await sealed());
  });

  it('opens with each of two keys, which is how they rotate (S6)', async () => {
    const next = await sealKeyPair('enc-2', { crv: 'X25519' });
    const open = sealOpener({ keys: [next.privateJwk, pair.privateJwk] }, [AUD], MAX);
    const toNext = { alg: 'ECDH-ES', crv: 'X25519', kid: 'enc-2', key: next.publicJwk } as const;
    expect((await open(await sealed())).nested).to.equal(NESTED);
    expect((await open(await sealToken(NESTED, toNext, AUD, undefined))).nested).to.equal(NESTED);
  });

  it('is not opened by another service (S7, threat 50)', async () => {
    const other = await sealKeyPair('enc-1');
    expect(await refusal(await sealed(), other)).to.equal(REFUSED);
    expect(await refusal(await sealed(), pair, ['https://other.example'])).to.equal(REFUSED);
  });

  it('is refused where it asks to be inflated, before anything is decrypted (S7, threat 51)', async () => {
    // In all else a token as it is accepted.
    const content = `a.${'a'.repeat(99_996)}.a`;
    const token = await forged({ zip: 'DEF' }, content);
    // jose by itself inflates it.
    const { plaintext } = await compactDecrypt(token, pair.privateJwk);
    expect(plaintext).to.have.lengthOf(100_000);
    expect(await refusal(token, pair, [AUD], 1_000_000)).to.equal(REFUSED);
    expect(await refusal(await forged({}, content), pair, [AUD], 1_000_000)).to.equal('opened');
  });

  it('is refused with any other member in its header, or one that is not as it must be (S7, threat 52)', async () => {
    const extra = [
      { typ: 'JWT' },
      { jku: 'https://evil.example' },
      { jwk: pair.publicJwk },
      { apu: 'YQ' },
      { crit: ['exp'], exp: 1 },
      { cty: 'text' },
      { cty: undefined },
      { kid: 'enc-2' },
      { kid: undefined },
      { aud: undefined },
      { aud: [AUD] },
      { exp: '1' },
      { exp: -1 },
      { enc: 'A128GCM' },
      { enc: 'A256CBC-HS512' },
    ];
    for (const header of extra) {
      const token = await forged(header).catch(() => undefined);
      if (token === undefined) continue; // not even jose writes it
      expect(await refusal(token, pair), JSON.stringify(header)).to.equal(REFUSED);
    }
    expect(await refusal(await forged({ cty: 'jwt' }), pair)).to.equal('opened');
  });

  it('is refused with an algorithm that is not the key’s, be it one that costs much (threat 52)', async () => {
    const [, ...rest] = (await sealed()).split('.');
    const withHeader = (header: object): string =>
      [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.');
    const epk = readSealedHeader(await sealed())!.epk;
    const common = { enc: 'A256GCM', cty: 'JWT', kid: 'enc-1', aud: AUD };
    for (const alg of [
      'dir',
      'RSA1_5',
      'RSA-OAEP',
      'PBES2-HS256+A128KW',
      'A256GCMKW',
      'ECDH-ES+A256KW',
      'none',
    ])
      expect(await refusal(withHeader({ alg, ...common, epk, p2c: 1e9 }), pair), alg).to.equal(REFUSED);
    const wrapped = await forged({ alg: 'ECDH-ES+A256KW' });
    expect(await refusal(wrapped, pair)).to.equal(REFUSED);
    // A point that is not on the curve, one of another curve, and a private one.
    for (const bad of [
      { ...epk, y: epk.x },
      { kty: 'OKP', crv: 'X25519', x: epk.x },
      { ...epk, d: epk.x },
      { ...epk, x: 'AA' },
    ])
      expect(await refusal(withHeader({ alg: 'ECDH-ES', ...common, epk: bad }), pair)).to.equal(REFUSED);
  });

  it('is refused where its header is not in canonical JSON: a member twice, a blank (S7)', async () => {
    const [, ...rest] = (await sealed()).split('.');
    const header = readSealedHeader(await sealed())!;
    const json = JSON.stringify(header);
    for (const text of [json.replace('{', '{"aud":"x",'), json.replace('{', '{ '), `${json} `]) {
      const token = [Buffer.from(text).toString('base64url'), ...rest].join('.');
      expect(readSealedHeader(token)).to.equal(undefined);
      expect(await refusal(token, pair)).to.equal(REFUSED);
    }
  });

  it('is refused with a changed bit anywhere, in the same way (threat 53)', async () => {
    const token = await sealed();
    const tried = new Set<string>();
    for (let at = 0; at < token.length; at += 7) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      tried.add(await refusal(changed, pair));
    }
    expect([...tried]).to.deep.equal([REFUSED]);
  });

  it('is refused where another one is in it, or no token (S7, threat 54)', async () => {
    for (const content of [await sealed(), 'a.b', 'a.b.c.d', '', '{"a":1}', '\u00ff'])
      expect(await refusal(await forged({}, content), pair, [AUD], 10_000)).to.equal(REFUSED);
  });

  it('is refused where what is in it is over the bound', async () => {
    expect(await refusal(await sealed(`${'a'.repeat(MAX)}.b.c`), pair)).to.equal(REFUSED);
  });

  it('is refused with a header over 1 KiB', async () => {
    const token = await forged({ aud: 'a'.repeat(1000) });
    expect(readSealedHeader(token)).to.equal(undefined);
  });

  it('has five parts, which no signed and no packed token has', async () => {
    expect(isSealed(await sealed())).to.equal(true);
    for (const other of [NESTED, 'wb1~abc', 'a.b.c.d', 'a.b.c.d.e.f', ''])
      expect(isSealed(other)).to.equal(false);
  });

  it('takes private keys on P-256 or X25519 for encryption alone, each with a kid of its own', async () => {
    const { privateJwk } = pair;
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{}, /no JWK Set/],
      [{ keys: [] }, /no JWK Set/],
      [{ keys: [pair.publicJwk] }, /not private/],
      [{ keys: [{ ...privateJwk, use: 'sig' }] }, /use: enc/],
      [{ keys: [{ ...privateJwk, kid: undefined }] }, /kid/],
      [{ keys: [{ ...privateJwk, kid: 'k'.repeat(65) }] }, /kid/],
      [{ keys: [privateJwk, privateJwk] }, /same kid/],
      [{ keys: [{ ...privateJwk, crv: 'P-384' }] }, /P-256 nor X25519/],
      [{ keys: [{ ...privateJwk, alg: 'ECDH-ES+A128KW' }] }, /another alg/],
      [{ keys: [null] }, /not an object/],
      [{ keys: new Array(21).fill(privateJwk) }, /21/],
    ];
    for (const [keys, message] of wrong)
      expect(() => sealOpener(keys as never, [AUD], MAX), message.source).to.throw(message);
  });
});
