import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import { applyPatch } from 'diff';
import { load } from 'js-yaml';

import { findDrift, mergeObservation } from '../../../src/architect/traces/index.ts';
import { compileText, inOneLine, planAt } from '../../support/compile.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { observeSpans, observeText, type TestSpan } from '../../support/spans.ts';

const HEAD = `waybill: 1 # kept
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: node }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { shop: [browse] }   # what a visitor may
`;

const BLOCK = `${HEAD}
services:
  # The shop.
  shop:
    scopes:
      browse: # named by a person
        operations: ['GET /cart/{cartId}']
        calls:
          stock: [look] # one
          # the end of browse
  stock:
    scopes:
      look: { operations: [GET /items] }
# the end
`;
const FLOW = `${HEAD}services: { shop: { scopes: { browse: { operations: ['GET /cart/{cartId}'], calls: { stock: [look] } } } }, # one
  stock: { scopes: { look: { operations: [GET /items] } } } } # the end
`;
const ALIASED = `${HEAD}x-look: &calls { stock: [look] }
services:
  shop: { scopes: { browse: { operations: ['GET /cart/{cartId}'], calls: *calls } } }
  stock: { scopes: { look: { operations: [GET /items] } } }
`;

const call = (id: number, service: string, name: string): TestSpan[] => [
  { id: `c${id}`, parent: '1', service: 'shop', name, kind: 'client' },
  { id: `s${id}`, parent: `c${id}`, service, name, kind: 'server' },
];

/** Of a cart: what is declared, a scope more, a service more; and a request more. */
const SPANS: readonly TestSpan[] = [
  { id: '1', service: 'shop', name: 'GET /cart/17', kind: 'server' },
  ...call(1, 'stock', 'GET /items'),
  ...call(2, 'stock', 'POST /items'),
  ...call(3, 'mail', '/shop.Mail/Send'),
  { id: '9', service: 'shop', name: 'GET /help', kind: 'server', trace: 'b' },
];

async function merged(text: string, spans: readonly TestSpan[] = SPANS) {
  const file = scratchFile('shop.yaml', text);
  const observation = await observeSpans(spans);
  return { file, observation, ...mergeObservation(planAt([file]), observation, { newParties: file }) };
}

const COMMENTS = /#.*/g;

describe('import into an existing graph', () => {
  after(removeScratch);

  for (const [style, text] of [
    ['block', BLOCK],
    ['flow', FLOW],
  ] as const) {
    it(`adds what is missing in ${style} style, keeps existing names, and changes nothing else`, async () => {
      const { changes, byHand, observation } = await merged(text);
      expect([changes.length, byHand]).to.deep.equal([1, []]);
      const { after, patch } = changes[0]!;
      expect(load(after)).to.deep.equal({
        ...(load(text) as object),
        clients: {
          web: {
            auth: { method: 'client_secret_basic', secret_env: 'WEB_SECRET' },
            calls: { shop: ['browse'] },
          },
          'edge-client': {
            auth: { method: 'client_secret_basic', secret_env: 'EDGE_CLIENT_SECRET' },
            calls: { shop: ['help:read'] },
          },
        },
        services: {
          shop: {
            scopes: {
              browse: {
                operations: ['GET /cart/{cartId}'],
                calls: { stock: ['look', 'items:create'], mail: ['send'] },
              },
              'help:read': { operations: ['GET /help'] },
            },
          },
          stock: {
            scopes: { look: { operations: ['GET /items'] }, 'items:create': { operations: ['POST /items'] } },
          },
          mail: { scopes: { send: { operations: ['/shop.Mail/Send'] } } },
        },
      });
      for (const [comment] of text.matchAll(COMMENTS)) expect(after).to.contain(comment);
      expect(applyPatch(text, patch)).to.equal(after);
      const { draft, findings } = compileText(after);
      expect(findings.map(inOneLine)).to.deep.equal([]);
      expect(findDrift(draft!, observation).ok).to.equal(true);
      // A second time there is nothing to add.
      expect((await merged(after)).changes).to.deep.equal([]);
    });
  }

  for (const [style, text] of Object.entries({
    BLOCK,
    FLOW,
    ALIASED,
    'without a last line end': BLOCK.trimEnd(),
  }))
    for (const mark of ['', '\ufeff'])
      it(`keeps the line ends of Windows${mark === '' ? '' : ' and a byte order mark'} (${style})`, async () => {
        const windows = (one: string): string => one.replaceAll('\n', '\r\n');
        const plain = (await merged(text)).changes;
        const { changes, file } = await merged(`${mark}${windows(text)}`);
        expect(changes).to.have.lengthOf(1);
        expect(plain).to.have.lengthOf(1);
        const [{ before, after, patch }] = changes as [(typeof changes)[0]];
        expect(after).to.equal(`${mark}${windows(plain[0]!.after)}`);
        expect(before).to.equal(readFileSync(file, 'utf8'));
        expect(applyPatch(before, patch)).to.equal(after);
      });

  it('says what to write if an alias shares the text', async () => {
    const { changes, byHand } = await merged(ALIASED);
    expect(changes[0]?.after).to.contain('x-look: &calls { stock: [look] }\n');
    expect(byHand.map(({ line, what }) => `${line} ${what}`)).to.deep.equal([
      '8 below services.shop.scopes.browse.calls.stock add - items:create',
      '10 below services.shop.scopes.browse.calls add mail: [send]',
    ]);
  });

  it('does not change what an anchor shares with other places', async () => {
    const anchored = ALIASED.replace('&calls ', '')
      .replace('*calls', '&calls { stock: [look] }')
      .replace('stock: { scopes: {', 'stock: { scopes: { copy: { calls: *calls },');
    const { changes, byHand } = await merged(anchored);
    expect(changes[0]?.after).to.contain('calls: &calls { stock: [look] }');
    expect(byHand).to.have.lengthOf(2);
  });

  it('does not guess which operation makes a call', async () => {
    const file = scratchFile('shop.yaml', BLOCK);
    const rows = [
      { parent: 'shop', child: 'stock', callCount: 3 },
      { parent: 'stock', child: 'shop', callCount: 1 },
    ];
    const observation = await observeText(JSON.stringify(rows), 'jaeger');
    const { changes, byHand } = mergeObservation(planAt([file]), observation, { newParties: file });
    expect(changes).to.deep.equal([]);
    expect(byHand.map(({ what }) => what)).to.deep.equal([
      'stock calls shop; the source does not say in which operation',
    ]);
  });

  it('writes new parties of a folder into a new file', async () => {
    const file = scratchFile('shop.yaml', BLOCK);
    const plan = planAt([file]);
    const { changes } = mergeObservation(plan, await observeSpans(SPANS), { newParties: 'imported.yaml' });
    const made = changes.find(({ before }) => before === '');
    expect(made?.patch).to.contain('--- /dev/null\n+++ b/imported.yaml\n');
    const both = planAt([
      scratchFile('shop.yaml', changes[0]!.after),
      scratchFile('imported.yaml', made!.after),
    ]);
    expect([...both.services.keys()].sort()).to.deep.equal(['mail', 'shop', 'stock']);
  });
});
