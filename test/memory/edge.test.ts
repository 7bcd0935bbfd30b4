/** The client at the edge keeps its tokens and no more, however many requests it serves. */
import { expect } from 'chai';

import { edge } from '../../src/middleware/index.ts';
import { isWaybillError } from '../../src/errors.ts';
import { heldBytes, pieceOf, usedBytes } from './heap.ts';

const MIB = 2 ** 20;
/** Of each user's token, and of each body of the issuer. */
const LARGE = 20_000;
const CACHED = 200;

/** An answer of the issuer in one large body; of some users nothing. */
async function answer(_address: unknown, init?: RequestInit): Promise<Response> {
  const user = new URLSearchParams(init?.body as string).get('subject_token') ?? '';
  const filling = ' '.repeat(LARGE);
  if (user.endsWith('7')) return new Response(`{"error":"invalid_request"${filling}}`, { status: 400 });
  return new Response(
    `{"access_token":"token-of-${user.slice(-6)}","token_type":"Bearer","expires_in":300,"scope":"read"${filling}}`,
  );
}

describe('the client at the edge over many requests', function () {
  this.timeout(120_000);

  const made = () =>
    edge({
      issuer: 'https://tokens.example',
      tokenEndpoint: 'https://tokens.example/token',
      credentials: { clientId: 'web', secret: 'a secret of some length' },
      cachedTokens: CACHED,
      fetch: answer,
    });
  const userOf = (n: number): string => pieceOf(LARGE, `the token of a user, ${String(n).padStart(6, '0')}`);

  /** @returns how many were refused. */
  async function ask(shop: ReturnType<typeof made>, users: readonly number[]): Promise<number> {
    let refused = 0;
    for (const n of users) {
      const wanted = { scope: 'read', subjectToken: userOf(n) };
      try {
        const found = await shop.tokenFor(wanted);
        if (n % 5 === 0) shop.forget(wanted, found);
      } catch (error) {
        if (!isWaybillError(error, 'invalid_request')) throw error;
        refused += 1;
      }
    }
    return refused;
  }

  const range = (length: number, userAt: (n: number) => number): number[] =>
    Array.from({ length }, (_, n) => userAt(n));

  for (const [what, userAt, refusals] of [
    ['few users', (n: number) => n % 3, 0],
    ['many users, a tenth of them refused', (n: number) => n, 200],
    ['few users among many', (n: number) => (n % 2 === 0 ? n % 6 : n), 200],
  ] as const) {
    it(`holds no more after ten thousand requests than after two thousand: ${what}`, async () => {
      const shop = made();
      expect(await ask(shop, range(2000, userAt))).to.equal(refusals);
      const before = await usedBytes();
      for (let round = 1; round <= 4; round += 1) {
        // So that users of whom there are many are new ones.
        const users = range(2000, (n) => (userAt(n) === n ? n + round * 2000 : userAt(n)));
        expect(await ask(shop, users)).to.equal(refusals);
      }
      const grown = (await usedBytes()) - before;
      expect((await shop.tokenFor({ subjectToken: userOf(1) })).token).to.equal('token-of-000001');
      expect(grown).to.be.below(MIB / 2);
    });
  }

  it('holds tokens, and neither what users showed nor the bodies of the issuer', async () => {
    const held = await heldBytes(async () => {
      const shop = made();
      await ask(
        shop,
        range(CACHED, (n) => n),
      );
      return shop;
    });
    expect(held).to.be.below(MIB);
  });
});
