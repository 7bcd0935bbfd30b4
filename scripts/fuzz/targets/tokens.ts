/** Tokens in both codings, at all their readers: the extractor, `token inspect`, the issuer. */
import { extractor, type CallHeaders, type Extractor } from '../../../src/middleware/index.ts';
import type { Issuer } from '../../../src/issuer/index.ts';
import { unfoldTree, unpack } from '../../../src/token/index.ts';
import { workDone } from '../../../src/token/packed/work.ts';
import type { Dice } from '../dice.ts';
import { refusal, requireSilent, type Secrets } from '../judge.ts';
import { editJwt } from '../mutate/jwt.ts';
import { editPacked } from '../mutate/packed.ts';
import { ACCEPTED, Broken, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { plainText, plainToken, requirePlain, requireSignedChild, type PlainToken } from '../world/plain.ts';
import {
  CHECKOUT,
  FRONT,
  ISSUER,
  clock,
  forgerKey,
  issuerKey,
  openShop,
  partyOf,
  publishedBy,
  type Shop,
  type Tokens,
} from '../world/shop.ts';

/** What a packed token may unpack to by default, in bytes. */
const MAX_NESTED = 262_144;
/** The specification's reader has no bounds and is slow. */
const MAX_COMPARED = 24 * 1024;
/** Names that no graph has, and that every object has. */
const NO_CALLEES = ['__proto__', 'constructor', 'toString', ''];

export const packedTokens: Target = {
  name: 'packed',
  reads: 'packed tokens: unpacking, extractor, token inspect, introspection, revocation',
  open: () => openWith(packedInput),
};

export const nestedTokens: Target = {
  name: 'nested',
  reads: 'nested tokens: extractor, token inspect, introspection, revocation',
  open: () => openWith(nestedInput),
};

function packedInput({ packed, trees }: Tokens, dice: Dice): string {
  let token = dice.pick(packed);
  for (let edits = dice.below(4); edits > 0; edits -= 1)
    token = editPacked(token, { others: packed, nested: trees }, dice);
  return token;
}

function nestedInput({ trees, leaves, useless, packed }: Tokens, dice: Dice): string {
  let token = dice.pick(dice.oneIn(4) ? [...leaves, ...useless] : trees);
  const others = [...trees, ...leaves, ...useless, ...packed];
  // An issuer that writes odd claims is no attacker, but must not crash anyone either.
  const forger = dice.oneIn(3) ? issuerKey.sign : forgerKey.sign;
  for (let edits = dice.below(3); edits > 0; edits -= 1) token = editJwt(token, { others, forger }, dice);
  return token;
}

async function openWith(make: (tokens: Tokens, dice: Dice) => string): Promise<OpenTarget> {
  const shop = await openShop();
  const readers = new Readers(shop);
  let work = { steps: 0, bytes: 0 };
  return {
    input: (dice) => Buffer.from(make(shop.tokens, dice)),
    run: (input) => {
      const token = input.toString('utf8');
      work = workOfUnpacking(token);
      return readers.run(token);
    },
    work: () => work,
  };
}

/** What the decoder copies, searches and compares, and the bytes that it reads and writes. */
function workOfUnpacking(token: string): { readonly steps: number; readonly bytes: number } {
  const before = workDone();
  let nested = 0;
  try {
    nested = unpack(token).length;
  } catch {
    // The readers themselves check how it fails.
  }
  const after = workDone();
  return { steps: after.steps - before.steps, bytes: token.length + nested + after.written - before.written };
}

class Readers {
  readonly #secrets: Secrets;
  readonly #shop: Shop;
  readonly #services: readonly { readonly audience: string; readonly extractor: Extractor }[];
  /** One of them revokes what the other one should still know. */
  readonly #issuer: Issuer;
  readonly #revoking: Issuer;

  constructor(shop: Shop) {
    this.#shop = shop;
    this.#secrets = shop.secrets;
    this.#issuer = shop.issuer();
    this.#revoking = shop.issuer();
    this.#services = [FRONT, CHECKOUT].map((audience) => ({
      audience,
      extractor: extractor({
        ...{ issuer: ISSUER, audience, caller: 'none', clock },
        ...{ jwksUri: `${ISSUER}/jwks`, fetch: publishedBy(shop.keys) },
      }),
    }));
  }

  async run(token: string): Promise<Outcome> {
    this.#unpack(token);
    this.#inspect(token);
    await this.#introspect(token);
    await this.#revoke(token);
    let outcome: Outcome = ACCEPTED;
    for (const service of this.#services) {
      outcome = await this.#authenticate(token, service);
      if (outcome.kind !== 'refused' || outcome.code !== 'token_audience') break;
    }
    return outcome;
  }

  /** The output must be what the specification says, within the bound on bytes. */
  #unpack(token: string): void {
    try {
      const nested = unpack(token);
      if (nested === token && !token.startsWith('wb1~')) return;
      if (nested.length > MAX_NESTED)
        throw new Broken('bounded work', 'more is unpacked than the bound allows');
      if (nested.length <= MAX_COMPARED && nested !== plainText(token))
        throw new Broken('plain path', 'unpacking gives another token than the specification');
    } catch (error) {
      refusal(error, this.#secrets, token);
    }
  }

  #inspect(token: string): void {
    try {
      unfoldTree(unpack(token));
    } catch (error) {
      refusal(error, this.#secrets, token);
    }
  }

  async #introspect(token: string): Promise<void> {
    for (const [name, form] of [
      ['front', 'claims'],
      ['edge', 'token'],
    ] as const) {
      try {
        const answer = await this.#issuer.introspect(partyOf(this.#shop.plan, name), { token, form });
        if (!answer.active) requireSilent(answer.reason, this.#secrets, token);
        else if (answer.token === undefined) await requirePlain(token, 'introspection');
        else await requireSameTree(token, answer.token);
      } catch (error) {
        refusal(error, this.#secrets, token);
      }
    }
  }

  async #revoke(token: string): Promise<void> {
    try {
      const txn = await this.#revoking.revoke(partyOf(this.#shop.plan, 'web'), token);
      if (txn !== undefined) await requirePlain(token, 'revocation');
    } catch (error) {
      const outcome = refusal(error, this.#secrets, token);
      // The owner of a token is only known once it is verified.
      if (outcome.kind === 'refused' && outcome.code === 'unauthorized_client')
        await requirePlain(token, 'revocation');
    }
  }

  async #authenticate(
    token: string,
    { audience, extractor }: { readonly audience: string; readonly extractor: Extractor },
  ): Promise<Outcome> {
    let context;
    try {
      context = await extractor.authenticate({ authorization: `Bearer ${token}` });
    } catch (error) {
      return refusal(error, this.#secrets, token);
    }
    // The header may have blanks after the token.
    const plain = await requirePlain(token.trimEnd(), 'the extractor', audience);
    this.#children(plain, token, (name) => context.child(name));
    this.#children(plain, token, (name) => tokenIn(context.headersFor(name)));
    this.#addresses(plain, token, (address) => tokenIn(context.headersFor(address)));
    return ACCEPTED;
  }

  #children(plain: PlainToken, token: string, take: (name: string) => string): void {
    for (const name of [...Object.keys(plain.payload.embedded ?? {}), ...NO_CALLEES]) {
      try {
        const sent = take(name);
        requireSignedChild(plain, sent, 'the extractor');
        if (plainText(sent) !== plain.payload.embedded?.[name])
          throw new Broken('plain path', 'the extractor hands out the child of another name');
      } catch (error) {
        refusal(error, this.#secrets, token);
      }
    }
  }

  #addresses(plain: PlainToken, token: string, take: (address: string) => string): void {
    for (const { audience } of this.#shop.plan.services.values()) {
      try {
        const sent = take(audience);
        if (sent !== token) requireSignedChild(plain, sent, 'the extractor');
      } catch (error) {
        refusal(error, this.#secrets, token);
      }
    }
  }
}

/** A swap gives the tree that was asked about, in one of its codings, or the same root without its binding. */
async function requireSameTree(token: string, given: string): Promise<void> {
  const [asked, answered] = [await requirePlain(token, 'a swap'), await plainToken(given)];
  if (answered?.payload['txn'] === asked.payload['txn']) return;
  throw new Broken('plain path', 'a swap answers with another tree');
}

function tokenIn({ authorization = '' }: CallHeaders): string {
  return authorization.slice('Bearer '.length);
}
