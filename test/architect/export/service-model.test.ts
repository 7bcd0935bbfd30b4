/** What each service accepts and calls, as every target gets it. */
import { expect } from 'chai';

import {
  envoyConfig,
  haproxyConfig,
  istioResources,
  opaBundle,
  sidecarConfigs,
  type ExportNote,
} from '../../../src/architect/export/index.ts';
import { graphModel } from '../../../src/architect/export/service-model.ts';
import { HEAD, client, planOf } from '../../support/compile.ts';

const model = (text: string) => graphModel(planOf(text));
const codes = ({ notes }: ReturnType<typeof graphModel>) =>
  notes.map(({ code, service }) => `${service} ${code}`);

const two = (scopes: string, calls = '{ shop: [read, write] }') =>
  `${HEAD}${client(calls)}services:\n  shop: { audience: 'https://shop.example:8443/api', scopes: ${scopes} }\n`;

describe('what services accept and call', () => {
  it('gives each scope its callers: clients by name, services by identity', () => {
    const { services } = model(`${HEAD}${client('{ shop: [buy] }')}services:
  shop: { identity: 'spiffe://a.example/shop', scopes: { buy: { operations: [POST /buy], calls: { stock: [take] } }, unused: {} } }
  stock: { scopes: { take: { operations: [POST /take] } } }
`);
    expect(services.get('shop')?.inbound.map(({ scope, callers }) => ({ scope, callers }))).to.deep.equal([
      { scope: 'buy', callers: [{ kind: 'client', name: 'web', forwardedBy: undefined }] },
    ]);
    expect(services.get('stock')?.inbound[0]?.callers).to.deep.equal([
      { kind: 'service', name: 'shop', identities: ['spiffe://a.example/shop'], forwardedBy: undefined },
    ]);
    expect(services.get('shop')?.tokens.roots).to.equal(true);
    expect(services.get('stock')?.tokens.roots).to.equal(false);
  });

  it('gives each callee its mode and host', () => {
    const { services } = model(`${HEAD}${client('{ shop: [buy] }')}services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    calls: { queue: { mode: none }, ads: { scopes: [show], mode: exchange } }
    scopes: { buy: { calls: { stock: [take], pay: [charge] } } }
  ads: { audience: 'https://ads.example', scopes: { show: {} } }
  stock: { audience: 'http://127.0.0.1:99/stock', scopes: { take: {} } }
  pay: { audience: 'urn:pay', scopes: { charge: {} } }
`);
    const outbound = services.get('shop')?.outbound.map(({ audiences, ...callee }) => {
      expect(audiences).to.deep.equal(callee.audience === undefined ? [] : [callee.audience]);
      return callee;
    });
    expect(outbound).to.deep.equal([
      { name: 'queue', audience: undefined, mode: 'none', authority: undefined },
      { name: 'ads', audience: 'https://ads.example', mode: 'exchange', authority: 'ads.example' },
      { name: 'stock', audience: 'http://127.0.0.1:99/stock', mode: 'embed', authority: '127.0.0.1:99' },
      { name: 'pay', audience: 'urn:pay', mode: 'embed', authority: undefined },
    ]);
  });

  it('names the callers of the forwarder as presenters of a forwarded token', () => {
    const { services } = model(`${HEAD}${client('{ edge: [go] }')}services:
  edge: { identity: edge-id, scopes: { go: { calls: { bus: [send] } } } }
  bus: { caller: none, scopes: { send: { calls: { log: { scopes: [write], mode: forward } } } } }
  log: { caller: none, accepts_forward: [bus], scopes: { write: { operations: [POST /write] } } }
`);
    expect(services.get('log')?.inbound[0]?.callers).to.deep.equal([
      { kind: 'service', name: 'edge', identities: ['edge-id'], forwardedBy: 'bus' },
    ]);
  });

  it('takes from a scope what another names more exactly, and leaves what both name', () => {
    const { services, notes } = model(
      two(
        "{ read: { operations: ['GET /items/{id}', GET /both] }, write: { operations: [GET /items/new, GET /both] } }",
      ),
    );
    const [read, write] = services.get('shop')!.inbound;
    expect(read?.operations.map(({ text, except }) => [text, except.map((one) => one.text)])).to.deep.equal([
      ['GET /items/{id}', ['GET /items/new']],
      ['GET /both', []],
    ]);
    expect(write?.operations.flatMap(({ except }) => except)).to.deep.equal([]);
    expect(notes).to.deep.equal([]);
  });

  it('notes a rest from which another scope takes something', () => {
    const shop = model(two('{ read: { operations: [GET /*] }, write: { operations: [GET /admin] } }'));
    expect(codes(shop)).to.deep.equal(['shop operation-shadowed']);
    const both = two('{ read: { operations: [GET /*, GET /admin] }, write: { operations: [GET /admin] } }');
    expect(codes(model(both))).to.deep.equal([]);
  });

  it('denies to both scopes what neither names more exactly, and notes it', () => {
    const shop = model(
      two("{ read: { operations: ['GET /{a}/x'] }, write: { operations: ['GET /y/{b}'] } }"),
    );
    const rules = shop.services.get('shop')!.inbound;
    expect(rules.map(({ operations }) => operations[0]?.except.map(({ text }) => text))).to.deep.equal([
      ['GET /y/{b}'],
      ['GET /{a}/x'],
    ]);
    expect(codes(shop)).to.deep.equal(['shop operations-overlap', 'shop operations-overlap']);
  });

  it('notes what allows nothing: no operations, other protocols, unreadable paths, no callers', () => {
    const shop = model(
      two("{ read: {}, write: { operations: [TakeItem, 'GET /a/{id:guid}'] } }", '{ shop: [read, write] }') +
        '  lonely: { scopes: { x: { operations: [GET /] } } }\n',
    );
    expect(codes(shop)).to.deep.equal([
      'shop no-operations',
      'shop operation-not-http',
      'shop operation-unreadable',
      'lonely no-callers',
    ]);
    expect(shop.services.get('shop')?.inbound.flatMap(({ operations }) => operations)).to.deep.equal([]);
    expect(shop.services.get('lonely')?.inbound).to.deep.equal([]);
  });

  it('says what tokens of a service may be like', () => {
    const graph = (issuer: string, stock = '') => `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080', ${issuer} }
defaults: { headers: { profile: envoy }, caller: mtls }
${client('{ shop: [buy] }')}services:
  shop: { ${stock} auth: { method: client_secret_basic, secret_env: S }, scopes: { buy: { calls: { stock: [take] } } } }
  stock: { scopes: { take: {} } }
`;
    const tokens = (text: string, name: string) => model(text).services.get(name)?.tokens;
    expect(tokens(graph('encoding: packed, overflow: exchange'), 'shop')).to.deep.equal({
      roots: true,
      packed: 'always',
      overflow: true,
      sealed: 'none',
      held: false,
    });
    expect(tokens(graph(''), 'shop')?.packed).to.equal('on-request');
    expect(tokens(graph('encoding: packed', 'accepts: jwt,'), 'shop')?.packed).to.equal('never');
    expect(tokens(graph('encoding: packed'), 'stock')?.packed).to.equal('never');
  });

  describe('of a service with sealed tokens', () => {
    const sealed = (all: boolean) =>
      planOf(`${HEAD}${client(`{ shop: [buy], vault: ${all ? '{ scopes: [take], seal: true }' : '[take]'} }`)}services:
  shop: { audience: 'https://shop.example', scopes: { buy: { operations: [POST /buy], calls: { vault: { scopes: [take], seal: true } } } } }
  vault: { audience: 'https://vault.example', encryption: { jwks_file: vault.jwks }, scopes: { take: { operations: [POST /take] } } }
`);
    const sealedNotes = (notes: readonly ExportNote[]) =>
      notes.filter(({ code, service }) => code === 'sealed-tokens' && service === 'vault');

    it('says that a proxy refuses them, since it has no way to open one', () => {
      for (const all of [true, false]) {
        const plan = sealed(all);
        const exported = [
          envoyConfig(plan).notes,
          haproxyConfig(plan).notes,
          istioResources(plan).notes,
          opaBundle(plan).notes,
        ];
        for (const notes of exported) {
          const [note, ...more] = sealedNotes(notes);
          expect(note?.message).to.match(all ? /^Its tokens are sealed/ : /^Some of its tokens are sealed/);
          expect(more).to.deep.equal([]);
        }
      }
    });

    it('gives the sidecar the file of its keys, and lets it ask for seals where all calls have them', () => {
      const [all, some] = [true, false].map((each) => sidecarConfigs(sealed(each)));
      expect(all?.services.get('vault')).to.include({ seal: 'require' }).and.have.property('decryption_file');
      expect(some?.services.get('vault')).to.have.property('decryption_file');
      expect(some?.services.get('vault')).to.not.have.property('seal');
      expect(all?.services.get('shop')).to.not.have.any.keys('seal', 'decryption_file');
      expect(sealedNotes(all?.notes ?? [])).to.deep.equal([]);
    });
  });
});
