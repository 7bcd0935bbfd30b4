import { deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import type { JWK } from 'jose';

import { createIssuer } from '../../../src/issuer/index.ts';
import { generateKey, keyRing } from '../../../src/issuer/keys/index.ts';
import { SIGNING_ALGORITHMS, pack, type SigningAlgorithm } from '../../../src/token/index.ts';
import { numberText } from '../../../src/token/packed/bytes.ts';
import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';
import { MAX_FIXED_BYTES } from '../../../src/token/packed/fixed-deflate.ts';
import { closeBrowser, hasChromium, needsChromium, openPage, type OpenPage } from './chromium.ts';
import { clientOf, secretsFor } from '../../support/issuer/issue.ts';
import { explore, stopServing } from '../../support/program.ts';
import { planOf } from '../../support/compile.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';

const TOKENS = 50;
const ISSUER = 'https://tokens.big.example';

/** Trees of fifty tokens, each signed with another algorithm: whom each service calls, the root first. */
const SHAPES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  'one that calls all others': tree((at) => (at === 0 ? TOKENS : 0)),
  'seven callees of seven': tree((at) => (at < 8 ? 7 : 0)),
  'pairs of pairs': tree(() => 2),
  'branches that go deep': tree((at) => (at % 4 === 0 ? 5 : 1)),
};

/** Hands services out in the order of their numbers, to each as many callees as it asks for. */
function tree(wanted: (at: number) => number): readonly (readonly number[])[] {
  const calls: number[][] = Array.from({ length: TOKENS }, () => []);
  let next = 1;
  for (let at = 0; at < TOKENS; at++)
    for (let count = wanted(at); count > 0 && next < TOKENS; count--) calls[at]!.push(next++);
  return calls;
}

const nameOf = (at: number): string => `service-${(at * 7919).toString(36)}-${at}`;

function graph(calls: readonly (readonly number[])[], alg: SigningAlgorithm = 'ES256'): string {
  const services = calls.map((callees, at) => {
    const called = callees.map((callee) => `${nameOf(callee)}: [read-${callee}]`).join(', ');
    return `  ${nameOf(at)}: { claims: [c${at % 5}], scopes: { read-${at}: { calls: { ${called} } } } }\n`;
  });
  return `
waybill: 1
name: big
issuer: { url: '${ISSUER}', signing: ${alg}, limits: { tokens: 64, depth: 16, nested: 256KiB } }
defaults: { audience: 'https://{name}.big.example', identity: 'spiffe://big.example/{name}', headers: { max_line: 512KiB } }
claims: { ${[0, 1, 2, 3, 4].map((n) => `c${n}: { value: 'the value of claim ${n}' }`).join(', ')} }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, default_scopes: [read-0], calls: { ${nameOf(0)}: [read-0] } }
services:
${services.join('')}`;
}

/** A packed token with this DEFLATE stream as its body. */
function packedOf(stream: Uint8Array): string {
  const head = Buffer.from(numberText(2 * stream.length + 1), 'latin1');
  return `wb1~${Buffer.concat([head, stream]).toString('base64url')}`;
}

/** Bytes of the body before they were deflated, and whether Node's zlib made the stream. */
function isDynamic(packed: string): boolean {
  const bundle = Buffer.from(packed.slice(4), 'base64url');
  const start = bundle.findIndex((byte) => byte < 0x80) + 1;
  return ((bundle[start]! >> 1) & 3) === 2;
}

describe(`waybill explore: a pasted token with ${TOKENS} tokens${needsChromium}`, function () {
  this.timeout(240_000); // a browser on a busy machine takes its time
  let open: OpenPage;
  const nested = new Map<string, string>();

  before(async function () {
    if (!hasChromium) this.skip();
    const keys: JWK[] = [];
    for (const [at, [shape, calls]] of Object.entries(SHAPES).entries()) {
      const alg = SIGNING_ALGORITHMS[at % SIGNING_ALGORITHMS.length]!;
      const plan = planOf(graph(calls, alg));
      const ring = keyRing([await generateKey(alg, () => Math.floor(Date.now() / 1000))], alg);
      const issuer = createIssuer({ plan, keys: ring, secrets: secretsFor(plan) });
      keys.push(...issuer.jwks.keys);
      nested.set(shape, (await issuer.issue(clientOf(plan, 'web'), { scopes: [], resources: [] })).token);
    }
    const file = scratchFile('graph.yaml', graph(Object.values(SHAPES)[0]!));
    const { url } = await explore([file, '--jwks', scratchFile('jwks.json', JSON.stringify({ keys }))]);
    open = await openPage(`${url}#view=token`);
  });
  after(async () => {
    await closeBrowser();
    await stopServing();
    removeScratch();
  });
  afterEach(() => expect(open.complaints).to.deep.equal([]));

  async function decoded(text: string): Promise<string> {
    await open.page.getByLabel('Token', { exact: true }).fill('');
    await open.page.locator('.decoded .empty').waitFor();
    await open.page.getByLabel('Token', { exact: true }).fill(text);
    await open.page.locator('.decoded .verdict, .decoded .callout').first().waitFor();
    return open.page.locator('.decoded').innerText();
  }

  for (const shape of Object.keys(SHAPES))
    for (const coding of ['nested', 'packed'] as const) {
      it(`is decoded, verified and drawn: ${shape}, ${coding}`, async () => {
        const whole = nested.get(shape)!;
        const packed = pack(whole);
        expect(isDynamic(packed), `a body of more than ${MAX_FIXED_BYTES} bytes, by zlib`).to.equal(true);
        const text = await decoded(coding === 'nested' ? whole : packed);
        expect(text).to.contain(`${TOKENS} tokens, all verified`);
        expect(text).to.match(new RegExp(`${coding}, [\\d,]+ B`));
        expect(text).to.contain(
          `nested${coding === 'nested' ? ',' : ':'} ${whole.length.toLocaleString('en')} B`,
        );
        expect(await open.page.locator('.card').count()).to.equal(TOKENS);
        const names = await open.page.locator('.card .name').allInnerTexts();
        expect([...names].sort()).to.deep.equal(SHAPES[shape]!.map((_, at) => nameOf(at)).sort());
        const last = open.page.locator('.card').last();
        await last.click();
        expect(await open.page.getByLabel('Payload', { exact: true }).innerText()).to.contain(
          `https://${await last.locator('.name').innerText()}.big.example`,
        );
      });
    }

  it('is refused if its body has more than 32 KiB or trailing data', async () => {
    const words = Buffer.from(Array.from({ length: 6_000 }, (_, at) => `word ${at}`).join());
    const deflated = (bytes: Uint8Array): Buffer => deflateRawSync(bytes, { dictionary: DICTIONARY });
    for (const bytes of [words, Buffer.alloc(32_769), Buffer.alloc(5_000_000)])
      expect(await decoded(packedOf(deflated(bytes))), String(bytes.length)).to.contain(
        'its body is not a DEFLATE stream, or inflates to more than 32768 bytes',
      );
    const behind = Buffer.concat([deflated(words.subarray(0, 20_000)), Buffer.from('more')]);
    expect(await decoded(packedOf(behind))).to.contain('bytes follow the deflated body');
    expect(await decoded(packedOf(deflated(words).subarray(0, 500)))).to.contain(
      'its body is not a DEFLATE stream',
    );
    expect(await open.page.locator('.card').count()).to.equal(0);
  });
});
