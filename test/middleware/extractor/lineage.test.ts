/** What a reader makes of the chain of actors: rules L7 and L8. */
import { expect } from 'chai';
import type { ProtectOptions, RequestContext } from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { closeServers } from '../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';
import type { Json } from '../../support/keys/signer.ts';
import { extractorFor } from '../services.ts';

/** `a` nearest, the last innermost. */
function chain(...names: readonly string[]): Json {
  return names.reduceRight<Json>((act, sub) => (Object.keys(act).length > 0 ? { sub, act } : { sub }), {});
}

const CLIENT = 'storefront';

describe('the lineage of a request', () => {
  let issuer: ScriptedIssuer;

  before(async () => {
    issuer = await startScriptedIssuer();
  });
  after(closeServers);

  async function context(claims: Json, options: ProtectOptions = {}): Promise<RequestContext> {
    const authorization = `Bearer ${await issuer.token(claims)}`;
    return extractorFor(issuer).authenticate({ authorization, ...options });
  }

  it('L8: names the actors, the nearest first, and is complete where it goes back to the client', async () => {
    const { lineage } = await context({ act: chain('orders', 'edge', CLIENT) });
    expect(lineage).to.deep.equal({ actors: ['orders', 'edge', CLIENT], complete: true });
  });

  it('L8: is the client alone for a root', async () => {
    expect((await context({})).lineage).to.deep.equal({ actors: [CLIENT], complete: true });
  });

  it('L8: threat 22: is not complete below a cut, and for a token that names its caller alone', async () => {
    expect((await context({ act: chain('orders') })).lineage).to.deep.equal({
      actors: ['orders'],
      complete: false,
    });
    expect((await context({ act: chain('bank', 'orders') })).lineage.complete).to.equal(false);
  });

  it('L7: ignores members of an actor that it does not know', async () => {
    const { lineage } = await context({
      act: { sub: 'orders', iss: 'x', act: { sub: CLIENT, aka: ['y'] } },
    });
    expect(lineage).to.deep.equal({ actors: ['orders', CLIENT], complete: true });
  });

  const wrong: readonly (readonly [string, unknown])[] = [
    ['that is a text', 'orders'],
    ['without a name', {}],
    ['with an empty name', { sub: '' }],
    ['with an empty name below', chain('orders', '')],
    ['with a name below that is no text', { sub: 'orders', act: { sub: 7 } }],
    ['whose other identities are a text', { sub: 'orders', also: 'y' }],
    ['with an empty list of other identities', { sub: 'orders', also: [] }],
    ['with an empty other identity', { sub: 'orders', also: ['y', ''] }],
    ['with four other identities', { sub: 'orders', also: ['a', 'b', 'c', 'd'] }],
    ['with another identity below that is no text', { sub: 'orders', act: { sub: CLIENT, also: [7] } }],
    ['below that is null', { sub: 'orders', act: null }],
    ['below that is a list', { sub: 'orders', act: [{ sub: CLIENT }] }],
    ['and 32 more below it', chain(...Array.from({ length: 33 }, (_, n) => `s${n}`))],
  ];
  for (const [title, act] of wrong) {
    it(`L7: threat 25: refuses an actor ${title}`, async () => {
      await failure('token_claims', async () => context({ act }));
    });
  }

  it('L7: takes 32 actors', async () => {
    const names = Array.from({ length: 32 }, (_, n) => `s${n}`);
    expect((await context({ act: chain(...names) })).lineage.actors).to.deep.equal(names);
  });

  it('L7: threat 20: hands out no child whose chain is not that of the token', async () => {
    const child = async (act: Json) => issuer.token({ aud: 'https://payment.example', act });
    const act = chain('orders', CLIENT);
    const right = await child(chain('checkout', 'orders', CLIENT));
    expect((await context({ act, embedded: { payment: right } })).child('payment')).to.equal(right);
    for (const other of [
      chain('checkout', 'support', CLIENT),
      chain('checkout', 'orders'),
      chain('checkout', CLIENT),
    ]) {
      const given = await context({ act, embedded: { payment: await child(other) } });
      await failure('child_foreign', () => given.child('payment'));
    }
    // From before lineage was kept, or below a cut of its own.
    const short = await child(chain('checkout'));
    expect((await context({ act, embedded: { payment: short } })).child('payment')).to.equal(short);
  });

  it('threat 21: `allowLineage` only narrows, and needs every party up to the client', async () => {
    const act = chain('orders', 'support', CLIENT);
    const allowed = await context({ act }, { allowLineage: ['support', 'back-office'] });
    expect(allowed.lineage.complete).to.equal(true);
    for (const [claims, options] of [
      [{ act: chain('orders', 'edge', CLIENT) }, { allowLineage: ['support'] }],
      [{ act: chain('orders', 'support') }, { allowLineage: ['support'] }],
      [{}, { allowLineage: ['support'] }],
    ] as const)
      await failure('lineage_not_allowed', async () => context(claims, options));
    const lacks = { scope: 'refund', allowLineage: ['support'] };
    await failure('scope_insufficient', async () => context({ act }, lacks));
    await failure('usage', async () => context({ act }, { allowLineage: [] }));
  });
});
