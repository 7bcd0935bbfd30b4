import { expect } from 'chai';

import { isWaybillError } from '../../src/errors.ts';
import { keySet, tokenVerifier, unfoldTree, verifyTree, type TokenTree } from '../../src/token/index.ts';
import {
  AUDIENCE,
  ISSUER,
  NOW,
  base64url,
  claims,
  makeSigner,
  type Json,
  type Signer,
} from '../support/keys/signer.ts';
import { failure } from '../support/failure.ts';

describe('a token tree', () => {
  let signer: Signer;

  before(async () => {
    signer = await makeSigner();
  });

  function tokenFor(name: string, overrides: Json = {}): Promise<string> {
    return signer.sign(claims({ aud: `https://${name}.boutique.example`, ...overrides }));
  }

  /** A chain of so many tokens, each embedding the next under the name `next`. */
  async function chain(length: number): Promise<string> {
    let token = await tokenFor('leaf');
    for (let level = 1; level < length; level += 1)
      token = await tokenFor('link', { embedded: { next: token } });
    return token;
  }

  function shape({ name, children }: TokenTree): unknown {
    return children.length === 0 ? name : { [name]: children.map(shape) };
  }

  it('unfolds into names, sizes, children and what is on demand', async () => {
    const ledger = await tokenFor('ledger');
    const payment = await tokenFor('payment', {
      embedded: { ledger },
      on_demand: { fraud: 'https://fraud.example' },
    });
    const email = await tokenFor('email');
    const token = await tokenFor('checkout', { embedded: { payment, email } });
    const tree = unfoldTree(token);
    expect(shape(tree)).to.deep.equal({ '': [{ payment: ['ledger'] }, 'email'] });
    expect(tree.bytes).to.equal(token.length);
    expect(tree.children[0]?.onDemand).to.deep.equal([{ name: 'fraud', audience: 'https://fraud.example' }]);
    expect(tree.children[0]?.children[0]?.payload['aud']).to.equal('https://ledger.boutique.example');
  });

  it('verifies every token by itself, parents first, and says which one fails', async () => {
    const mallory = await makeSigner('ES256', signer.kid);
    const forged = await mallory.sign(claims());
    const payment = await tokenFor('payment', { embedded: { ledger: forged } });
    const tree = unfoldTree(
      await tokenFor('checkout', { embedded: { payment, email: await tokenFor('email') } }),
    );
    const keys = keySet({ keys: [signer.publicJwk] });
    const verdicts = await verifyTree(tree, tokenVerifier({ issuer: ISSUER, keys, clock: () => NOW }));
    const outcomes = verdicts.map(({ path, outcome }) => [
      path.join('/'),
      isWaybillError(outcome) ? outcome.code : 'verified',
    ]);
    expect(outcomes).to.deep.equal([
      ['', 'verified'],
      ['payment', 'verified'],
      ['payment/ledger', 'token_signature'],
      ['email', 'verified'],
    ]);
  });

  const foreign: Record<string, Json> = {
    'of another transaction': { txn: 'T2' },
    'of another subject': { sub: 'login:mallory' },
    'of another issuer': { iss: 'https://evil.example' },
    'that outlives its parent': { exp: NOW + 301 },
  };
  for (const [what, overrides] of Object.entries(foreign)) {
    it(`refuses a child ${what}, at any depth`, async () => {
      const child = await tokenFor('ledger', overrides);
      const parent = await tokenFor('payment', { embedded: { ledger: child } });
      await failure('child_foreign', () => unfoldTree(parent), child);
      const root = await tokenFor('checkout', { embedded: { payment: parent } });
      await failure('child_foreign', () => unfoldTree(root), child);
    });
  }

  it('is bounded in bytes, before it is decoded', () =>
    failure('token_tree_too_large', () => unfoldTree('!'.repeat(256 * 1024 + 1))));

  it('is bounded in tokens, before they are decoded', async () => {
    const embedded = Object.fromEntries(
      Array.from({ length: 1024 }, (_, index) => [`s${index}`, 'not a token']),
    );
    const token = await tokenFor('checkout', { embedded });
    await failure('token_tree_too_large', () => unfoldTree(token));
    await failure('token_malformed', () => unfoldTree(token, { maxTokens: 1025 }));
  });

  it('is bounded in depth', async () => {
    const token = await chain(5);
    expect(unfoldTree(token, { maxDepth: 5 }).children).to.have.length(1);
    await failure('token_tree_too_large', () => unfoldTree(token, { maxDepth: 4 }));
  });

  it('cannot be so deep that it passes the bound on bytes and overflows a stack', async () => {
    // Each level takes a third more than the one inside it, so the bound on bytes ends a chain near 20.
    const token = await chain(18);
    expect(token.length).to.be.lessThan(256 * 1024);
    expect(unfoldTree(token).children).to.have.length(1);
  });

  it('10,000 levels deep in plain JSON is refused and overflows nothing', async () => {
    const deep = `${'{"next":'.repeat(10_000)}"x"${'}'.repeat(10_000)}`;
    const payload = `${JSON.stringify(claims()).slice(0, -1)},"embedded":${deep}}`;
    const token = await signer.sign(payload);
    await failure('token_malformed', () => unfoldTree(token), token);
  });

  it('opens children whose names are those of object members', async () => {
    const child = base64url('x');
    for (const name of ['constructor', '__proto__', 'toString']) {
      const payload = `${JSON.stringify(claims({ aud: AUDIENCE })).slice(0, -1)},"embedded":{"${name}":"${child}"}}`;
      const token = await signer.sign(payload);
      await failure('token_malformed', () => unfoldTree(token));
    }
  });
});
