import { expect } from 'chai';

import { cachedVerifier } from '../../../src/middleware/caching/verified-cache.ts';
import { Callees, type CalleesOptions } from '../../../src/middleware/extractor/callees.ts';
import { CachedToken } from '../../../src/middleware/caching/cached-token.ts';
import {
  openChild,
  keySet,
  openAgain,
  pack,
  unpack,
  eagerVerifier,
  type EagerVerifier,
} from '../../../src/token/index.ts';
import {
  AUDIENCE,
  ISSUER,
  NOW,
  base64url,
  claims,
  makeSigner,
  type Signer,
} from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

const PAYMENT = 'https://payment.boutique.example';
const LEDGER = 'https://ledger.boutique.example';

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

  const clock = (): number => now;

  function verifier(): EagerVerifier {
    const keys = keySet({ keys: [signer.publicJwk] });
    return eagerVerifier({ issuer: ISSUER, audience: AUDIENCE, keys, clock });
  }

  /** A real verifier with a count before it. */
  function cached(tokens: number, maxAge = 600): (compact: string) => Promise<CachedToken> {
    const verify = verifier();
    const find = cachedVerifier(
      (token) => {
        verifications += 1;
        return verify(token);
      },
      (kept) => kept,
      { tokens, maxAge, clock },
    );
    return async (compact) => find(compact);
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

  it('holds fewer tokens if they are large: 64 KiB of text each on average', async () => {
    const verify = cached(32);
    const large = 'x'.repeat(100_000);
    const tokens = await Promise.all(
      Array.from({ length: 12 }, (_, jti) => signer.sign(claims({ jti: String(jti), large }))),
    );
    for (const token of tokens) await verify(token);
    // Each counts twice, with its claims and children: of 2 MiB seven take 1.8 MiB.
    for (const token of tokens.slice(-7)) await verify(token);
    expect(verifications).to.equal(12);
    await verify(tokens.at(-8)!);
    expect(verifications).to.equal(13);
  });

  it('keeps no token that was refused', async () => {
    const verify = cached(10);
    const token = await signer.sign(claims({ exp: NOW }));
    await failure('token_expired', () => verify(token));
    await failure('token_expired', () => verify(token));
    expect(verifications).to.equal(2);
  });

  /** A root that embeds payment, which embeds ledger; packed. */
  async function packedTree(): Promise<string> {
    const ledger = await signer.sign(claims({ aud: LEDGER, jti: 'T1.2' }));
    const payment = await signer.sign(claims({ aud: PAYMENT, jti: 'T1.1', embedded: { ledger } }));
    const mail = await signer.sign(claims({ aud: 'https://mail.boutique.example', jti: 'T1.3' }));
    return pack(await signer.sign(claims({ embedded: { payment, mail } })));
  }

  it('unpacks a packed token once, however often it comes', async () => {
    const verify = cached(10);
    const packed = await packedTree();
    const token = await verify(packed);
    for (let time = 0; time < 5; time += 1) expect(await verify(packed)).to.equal(token);
    expect(verifications).to.equal(1);
  });

  it('a packed token that differs in one place is not the cached one', async () => {
    const verify = cached(10);
    const packed = await packedTree();
    await verify(packed);
    const bundle = Buffer.from(packed.slice(4), 'base64url');
    bundle[bundle.length - 1]! ^= 1; // of the last child's signature
    await failure('token_signature', () => verify(`wb1~${bundle.toString('base64url')}`));
    expect((await verify(unpack(packed))).claims).to.deep.equal((await verify(packed)).claims);
    expect(verifications).to.equal(3);
  });

  it('packs a child once for a token, when it is asked for', async () => {
    const packed = await packedTree();
    const token = await verifier()(packed);
    const kept = new CachedToken(token);
    const [sent, opened]: [string[], string[]] = [[], []];
    const options: CalleesOptions = {
      audiences: [AUDIENCE],
      open(compact) {
        opened.push(compact);
        return openAgain(compact, {});
      },
      carry(parent, name, compact) {
        const child = openChild(parent, name, compact);
        const outbound = (): string => {
          sent.push(name);
          return child.outbound();
        };
        return { ...child, outbound };
      },
    };
    const first = new Callees(kept, token, options);
    const later = [1, 2].map(() => new Callees(kept, undefined, options));
    first.byAddress('https://mail.boutique.example', []);
    expect(sent).to.deep.equal(['mail']);
    expect(later[0]!.byName('mail')).to.equal(first.byName('mail'));
    expect(opened, 'taken apart for a child that is at hand').to.deep.equal([]);
    const found = later.flatMap((callees) => [callees.byName('payment'), callees.byAddress(PAYMENT, [])]);
    expect(opened).to.deep.equal([packed]);
    expect(sent).to.deep.equal(['mail', 'payment']);
    const expected = new Callees(new CachedToken(token), token, options).byName('payment').compact;
    for (const { compact } of found) expect(compact).to.match(/^wb1~/).and.to.equal(expected);
  });
});
