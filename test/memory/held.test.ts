/** Caches and stores keep their entries, not the header or body that they came in. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';

import { memoryStore } from '../../src/issuer/stores/index.ts';
import { extractor, gateway, type ExtractorOptions } from '../../src/middleware/index.ts';
import { copyText } from '../../src/input/copy-text.ts';
import { pack, referenceOf } from '../../src/token/index.ts';
import { planOf } from '../support/compile.ts';
import { heldBytes, pieceOf } from './heap.ts';
import { PATIENT, clientOf, issuerFor } from '../support/issuer/issue.ts';
import { AUDIENCE, ISSUER, NOW, claims, makeSigner, type Signer } from '../support/keys/signer.ts';
import { failure } from '../support/failure.ts';

const MIB = 2 ** 20;
/** Of each header or body. */
const LARGE = 50_000;
const REQUESTS = 300;
/** Most bytes for all entries; with their headers or bodies it would be 15 MB. */
const MOST = 3 * MIB;

const CREDENTIALS = { clientId: 'checkout', secret: 'a secret of some length' };
const CHILD = 'https://payment.boutique.example';

describe('what is kept of a request', function () {
  this.timeout(60_000);
  let signer: Signer;

  before(async () => {
    signer = await makeSigner();
  });

  const options = (more: Partial<ExtractorOptions> = {}): ExtractorOptions => ({
    issuer: ISSUER,
    audience: AUDIENCE,
    caller: 'none',
    clock: () => NOW,
    jwksUri: `${ISSUER}/jwks`,
    tokenEndpoint: `${ISSUER}/token`,
    introspectionEndpoint: `${ISSUER}/introspect`,
    fetch: async (address, init) => answer(address, init),
    ...more,
  });

  /** A header line that a client has stretched with blanks. */
  const header = (token: string): string =>
    Buffer.from(`Bearer ${' '.repeat(LARGE)}${token}`).toString('latin1');

  /** The issuer: its keys, and for each token the one that belongs to it. */
  let answers: ReadonlyMap<string, string> = new Map();

  async function answer(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const address = input instanceof Request ? input.url : input.toString();
    if (address.endsWith('/jwks')) return Response.json({ keys: [signer.publicJwk] });
    const form = new URLSearchParams(init?.body as string);
    const found = answers.get(form.get('subject_token') ?? form.get('token') ?? '') ?? '';
    if (address.endsWith('/token')) return Response.json({ access_token: found });
    if (found === '') return Response.json({ active: true });
    return new Response(found, { headers: { 'content-type': 'application/jwt' } });
  }

  const tokens = async (overrides: (n: number) => object = () => ({})): Promise<string[]> =>
    Promise.all(
      Array.from({ length: REQUESTS }, (_, n) => signer.sign(claims({ jti: `T${n}.0`, ...overrides(n) }))),
    );

  it('a copy of a piece holds nothing else, and reads the same', async () => {
    const texts = ['', 'short', 'ü', '\ud800', '世界 and more than thirteen characters', 'x'.repeat(40_000)];
    for (const text of texts) expect(copyText(text)).to.equal(text);
    const copies = async (copy: (text: string) => string): Promise<string[]> =>
      Array.from({ length: REQUESTS }, (_, n) => copy(pieceOf(LARGE, `a text of some length, ${n}`)));
    expect(await heldBytes(() => copies((text) => text))).to.be.above(0.9 * REQUESTS * LARGE);
    expect(await heldBytes(() => copies(copyText))).to.be.below(MIB);
    expect(await heldBytes(() => copies((text) => copyText(`${text} and ${text}`)))).to.be.below(MIB);
  });

  it('by the extractor is its token', async () => {
    const all = await tokens();
    const held = await heldBytes(async () => {
      const service = extractor(options());
      for (const token of all) await service.authenticate({ authorization: header(token) });
      return service;
    });
    expect(held).to.be.below(MOST);
  });

  it('by the extractor of a packed token is the token, its claims and the requested child, not the bundle', async () => {
    const all = await tokens();
    const packed = await Promise.all(
      all.map(async (_, n) => {
        const sub = `login:user number ${n}`;
        const own = { sub, aud: CHILD, scope: `pay:everything pay:number:${n}` };
        const [child, other] = await Promise.all(
          [own, { sub, aud: 'https://mail.boutique.example', text: 'x'.repeat(30_000) }].map((one) =>
            signer.sign(claims(one)),
          ),
        );
        return pack(await signer.sign(claims({ sub, embedded: { payment: child, mail: other } })));
      }),
    );
    expect(packed[0]).to.match(/^wb1~/);
    const held = await heldBytes(async () => {
      const service = extractor(options());
      for (const token of packed) {
        const context = await service.authenticate({ authorization: token && `Bearer ${token}` });
        context.headersFor('payment');
        context.headersFor(CHILD);
      }
      return service;
    });
    expect(held).to.be.below(MOST);
  });

  it('by the extractor of an exchanged token is the answer', async () => {
    const ads = 'https://ads.boutique.example';
    const all = await tokens((n) => ({ txn: `T${n}`, on_demand: { advertisements: ads } }));
    const children = await tokens((n) => ({ txn: `T${n}`, aud: ads, jti: `T${n}.b.0` }));
    answers = new Map(all.map((token, n) => [token, children[n] ?? '']));
    const held = await heldBytes(async () => {
      const service = extractor(options({ credentials: CREDENTIALS }));
      for (const token of all) {
        const context = await service.authenticate({ authorization: header(token) });
        await context.obtainHeaders(pieceOf(LARGE, 'advertisements'));
      }
      return service;
    });
    expect(held).to.be.below(MOST);
  });

  it('by the extractor of a token that it introspected is whether it is active', async () => {
    const all = await tokens();
    answers = new Map();
    const held = await heldBytes(async () => {
      const service = extractor(options({ credentials: CREDENTIALS, revocation: 'introspect' }));
      for (const token of all) await service.authenticate({ authorization: header(token) });
      return service;
    });
    expect(held).to.be.below(MOST);
  });

  it('by the gateway is the reference, and the token that it is swapped for', async () => {
    const all = await tokens();
    const references = all.map(() => referenceOf(randomBytes(32)));
    answers = new Map(references.map((reference, n) => [reference, all[n] ?? '']));
    const held = await heldBytes(async () => {
      const edge = gateway({
        issuer: ISSUER,
        credentials: { clientId: 'edge', secret: 'a secret of some length' },
        clock: () => NOW,
        jwksUri: `${ISSUER}/jwks`,
        introspectionEndpoint: `${ISSUER}/introspect`,
        fetch: async (address, init) => answer(address, init),
      });
      for (const reference of references) {
        const headers: [string, string][] = [['authorization', header(reference)]];
        await edge.swap({ audience: AUDIENCE, headers });
      }
      return edge;
    });
    expect(held).to.be.below(MOST);
  });

  it('by the store in memory is the key and the value', async () => {
    const held = await heldBytes(async () => {
      const store = memoryStore();
      for (let n = 0; n < REQUESTS; n += 1) {
        await store.put('revocation', pieceOf(LARGE, `transaction number ${n}`), '1', 60);
        await store.put('token', `key ${n}`, pieceOf(LARGE, `a grant of some length, ${n}`), 60);
        await store.markOnce('proof', pieceOf(LARGE, `proof number ${n}`), 60);
      }
      return store;
    });
    expect(held).to.be.below(MOST);
  });

  it('by the issuer is the plan of a request, and the failures of each client', async () => {
    const names = Array.from({ length: REQUESTS }, (_, n) => `a-scope-of-some-length-${n}`);
    const plan = planOf(`waybill: 1
issuer: { url: 'https://tokens.shop.example' }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [${names.join(', ')}] } }
services:
  shop: { audience: 'https://shop.example', scopes: { ${names.map((name) => `${name}: {}`).join(', ')} } }
`);
    const held = await heldBytes(async () => {
      const issuer = await issuerFor(plan, undefined, { attempts: PATIENT });
      for (const name of names) {
        await issuer.issue(clientOf(plan, 'web'), { scopes: [pieceOf(LARGE, name)] });
        const clientId = pieceOf(LARGE, `not-a-client-of-ours-${name}`);
        const credentials = { method: 'client_secret_post', clientId, secret: 'a guess' } as const;
        const address = pieceOf(LARGE, '2001:db8:ffff:1::/64');
        await failure('invalid_client', () => issuer.authenticate(credentials, address));
      }
      return issuer;
    });
    expect(held).to.be.below(MOST);
  });
});
