/** An overlay gives what editing the ordinary files by hand would give: the digest of the resolved graph is the same. */
import { expect } from 'chai';
import { dump, load } from 'js-yaml';
import { compileFiles, inOneLine } from '../../support/compile.ts';

const GRAPH = `waybill: 1
name: test
vars: { region: { one_of: [eu, us], default: eu }, domain: shop.example }
issuer: { url: 'http://127.0.0.1:8080', limits: { tokens: 99, depth: 9 } }
zones:
  mesh: { via: [istio], defaults: { labels: { tier: low }, auth: { method: spiffe_x509, spiffe_id: 'spiffe://t/{name}', bundle_file: a.json } } }
  edge:
defaults: { headers: { profile: envoy, max_total: 16KiB }, caller: mtls, zone: mesh, audience: 'https://{name}.\${domain}' }
claims:
  tier: { from: client, max_bytes: 16, zones: [mesh] }
  grade: { from: client, max_bytes: 16 }
  plan: { value: { name: gold, level: 1 } }
clients:
  web:
    zone: edge
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    claims: { tier: a }
    calls: { shop: [browse, buy] }
services:
  shop:
    labels: { region: '\${region}', team: web }
    scopes:
      browse:
      buy: { claims: [tier, plan], calls: { pay: [charge], mail: { scopes: [send], mode: exchange } } }
  pay: { scopes: { charge: { callers: [shop], through: [web] } } }
  mail: { scopes: { send: , spare: { callers: [shop] } } }
`;

/** Edited by hand, whatever its shape. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each edit knows the shape that it changes
type Edited = any;

interface Row {
  readonly title: string;
  readonly overlay: string;
  readonly edit: (graph: Edited) => void;
}

const rows: readonly Row[] = [
  {
    title: 'single values and lists replace, and a new key is added',
    overlay: `
issuer: { lifetime: 1m, limits: { depth: 8 } }
zones: { mesh: { via: [] } }
services: { pay: { lifetime: 30s } }`,
    edit: (graph) => {
      graph.issuer.lifetime = '1m';
      graph.issuer.limits.depth = 8;
      graph.zones.mesh.via = [];
      graph.services.pay.lifetime = '30s';
    },
  },
  {
    title: 'mappings merge key by key, also those of defaults, and claims that have a mapping as their value',
    overlay: `
defaults: { headers: { max_total: 8KiB }, labels: { env: prod } }
zones: { mesh: { defaults: { labels: { env: prod } } } }
claims: { plan: { value: { level: 2 } } }
services: { shop: { labels: { team: core } } }`,
    edit: (graph) => {
      graph.defaults.headers.max_total = '8KiB';
      graph.defaults.labels = { env: 'prod' };
      graph.zones.mesh.defaults.labels.env = 'prod';
      graph.claims.plan.value.level = 2;
      graph.services.shop.labels.team = 'core';
    },
  },
  {
    title: '`remove` takes away a scope, a call, a zone’s own and a claim',
    overlay: `
claims: { tier: remove }
clients: { web: { zone: mesh, claims: { tier: remove }, calls: { shop: [buy] } } }
zones: { edge: remove }
services:
  shop: { scopes: { browse: remove, buy: { claims: [plan], calls: { mail: remove } } } }`,
    edit: (graph) => {
      delete graph.claims.tier;
      delete graph.zones.edge;
      graph.clients.web.zone = 'mesh';
      graph.clients.web.claims = {};
      graph.clients.web.calls.shop = ['buy'];
      delete graph.services.shop.scopes.browse;
      graph.services.shop.scopes.buy.claims = ['plan'];
      delete graph.services.shop.scopes.buy.calls.mail;
    },
  },
  {
    title: '`remove` takes away a service',
    overlay: `
services: { mail: remove, shop: { scopes: { buy: { calls: { mail: remove } } } } }`,
    edit: (graph) => {
      delete graph.services.mail;
      delete graph.services.shop.scopes.buy.calls.mail;
    },
  },
  {
    title: '`null` is an entry without settings',
    overlay: `
services: { mail: { scopes: { spare: } } }
zones: { mesh: { defaults: { auth: none } }, edge: }`,
    edit: (graph) => {
      graph.services.mail.scopes.spare = null;
      graph.zones.mesh.defaults.auth = 'none';
    },
  },
  {
    title: 'a client gets a value for a claim, which declares nothing',
    overlay: `
clients: { web: { claims: { grade: b } } }`,
    edit: (graph) => {
      graph.clients.web.claims.grade = 'b';
    },
  },
  {
    title: 'an entry without settings gets some',
    overlay: `
zones: { edge: { external: false } }
services: { shop: { scopes: { browse: { claims: [plan] } } } }`,
    edit: (graph) => {
      graph.zones.edge = { external: false };
      graph.services.shop.scopes.browse = { claims: ['plan'] };
    },
  },
  {
    title: 'a list of scopes counts as a mapping with `scopes`',
    overlay: `
services: { shop: { scopes: { buy: { calls: { pay: { mode: exchange }, mail: [send, spare] } } } } }`,
    edit: (graph) => {
      graph.services.shop.scopes.buy.calls.pay = { scopes: ['charge'], mode: 'exchange' };
      graph.services.shop.scopes.buy.calls.mail.scopes = ['send', 'spare'];
    },
  },
  {
    title: 'a list of scopes replaces a list of scopes',
    overlay: `
clients: { web: { calls: { shop: [buy] } } }`,
    edit: (graph) => {
      graph.clients.web.calls.shop = ['buy'];
    },
  },
  {
    title: '`auth`, `callers` and `through` replace as a whole',
    overlay: `
zones: { mesh: { defaults: { auth: { method: private_key_jwt, jwks_file: '{name}.jwks' } } } }
clients: { web: { auth: { method: client_secret_post, secret_file: web.secret } } }
services: { pay: { scopes: { charge: { callers: [{ zone: mesh }], through: [shop] } } } }`,
    edit: (graph) => {
      graph.zones.mesh.defaults.auth = { method: 'private_key_jwt', jwks_file: '{name}.jwks' };
      graph.clients.web.auth = { method: 'client_secret_post', secret_file: 'web.secret' };
      graph.services.pay.scopes.charge.callers = [{ zone: 'mesh' }];
      graph.services.pay.scopes.charge.through = ['shop'];
    },
  },
  {
    title: 'a variable: its plain value replaces the default, also inside the overlay and in keys',
    overlay: `
vars: { region: us, domain: eu }
services: { shop: { labels: { zone: '\${region}' } } }
clients: { web: { claims: { tier: '\${region}' } } }`,
    edit: (graph) => {
      graph.vars.region.default = 'us';
      graph.vars.domain = 'eu';
      graph.services.shop.labels.zone = '${region}';
      graph.clients.web.claims.tier = '${region}';
    },
  },
  {
    title: 'a variable: its long form replaces as a whole',
    overlay: `
vars: { region: { one_of: [ap], default: ap } }`,
    edit: (graph) => {
      graph.vars.region = { one_of: ['ap'], default: 'ap' };
    },
  },
  {
    title: 'the author’s own keys are nobody’s',
    overlay: `
x-note: mine
services: { x-old: { scopes: {} }, shop: { x-note: mine } }`,
    edit: () => undefined,
  },
];

const codesOf = (compiled: ReturnType<typeof compileFiles>): string[] =>
  compiled.findings.filter(({ code }) => code !== 'overlay-widens').map(({ code }) => code);

describe('an overlay', () => {
  for (const { title, overlay, edit } of rows) {
    it(`${title}: as edited by hand`, () => {
      const graph = load(GRAPH) as Edited;
      edit(graph);
      const edited = compileFiles({ 'graph.yaml': dump(graph) });
      const text = `waybill: 1\noverlay: true${overlay}\n`;
      const overlaid = compileFiles({ 'graph.yaml': GRAPH, 'prod.yaml': text }, {}, ['prod.yaml']);
      expect(overlaid.draft, overlaid.findings.map(inOneLine).join('\n')).to.not.equal(undefined);
      expect(overlaid.draft?.digest).to.equal(edited.draft?.digest);
      expect(codesOf(overlaid)).to.have.members(codesOf(edited));
      const changes = overlaid.overlays.flatMap((each) => each.changes);
      expect(changes.length > 0).to.equal(title !== 'the author’s own keys are nobody’s');
      const untouched = compileFiles({ 'graph.yaml': GRAPH, 'prod.yaml': text });
      expect(untouched.draft?.digest).to.equal(compileFiles({ 'graph.yaml': GRAPH }).draft?.digest);
    });
  }

  it('applies after all ordinary files and in the order of the arguments', () => {
    const of = (lifetime: string) =>
      `waybill: 1\noverlay: true\nservices: { pay: { lifetime: ${lifetime} } }\n`;
    const files = { 'a.yaml': of('1m'), 'b.yaml': of('2m'), 'z.yaml': GRAPH };
    const lifetime = (...overlays: string[]) =>
      compileFiles(files, {}, overlays).draft?.services.get('pay')?.lifetime;
    expect(lifetime('a.yaml', 'b.yaml')).to.equal(120);
    expect(lifetime('b.yaml', 'a.yaml')).to.equal(60);
    expect(lifetime('b.yaml', 'a.yaml', 'b.yaml')).to.equal(60);
    expect(lifetime()).to.equal(undefined);
  });

  it('gives a variable its default, over which values from outside count', () => {
    const files = { 'graph.yaml': GRAPH, 'prod.yaml': 'waybill: 1\noverlay: true\nvars: { region: us }\n' };
    const labels = (variables: Record<string, string>, ...overlays: string[]) =>
      compileFiles(files, variables, overlays).draft?.services.get('shop')?.labels.get('region');
    expect(labels({})).to.equal('eu');
    expect(labels({}, 'prod.yaml')).to.equal('us');
    expect(labels({ region: 'eu' }, 'prod.yaml')).to.equal('eu');
  });

  it('keeps the type of a variable, and is its value where one is required', () => {
    const graph = `waybill: 1
name: test
vars: { build: { required: true }, n: { type: string, default: a } }
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: W }, calls: { shop: [s] } }
services: { shop: { labels: { build: '\${build}', n: '\${n}' }, scopes: { s: } } }
`;
    const overlay = 'waybill: 1\noverlay: true\nvars: { build: 1.10, n: 7 }\n';
    const { plan, findings, overlays } = compileFiles({ 'graph.yaml': graph, 'prod.yaml': overlay }, {}, [
      'prod.yaml',
    ]);
    expect(findings).to.deep.equal([]);
    expect([...plan!.services.get('shop')!.labels]).to.deep.equal([
      ['build', '1.10'],
      ['n', '7'],
    ]);
    expect(overlays[0]!.changes.map(({ impact }) => impact)).to.deep.equal(['neutral', 'neutral']);
  });

  it('adds what it accepts to what the files accept', () => {
    const accepted = 'accepted: [{ code: overlay-widens, at: pay, reason: Meant., until: 2999-01-01 }]\n';
    const overlay = 'waybill: 1\noverlay: true\nservices: { pay: { lifetime: 2m } }\n';
    const files = (more: string) => ({
      'graph.yaml': GRAPH.replace('pay: {', 'pay: { lifetime: 1m,'),
      'prod.yaml': overlay + more,
    });
    const widening = (more: string) => {
      const { findings, accepted: known } = compileFiles(files(more), {}, ['prod.yaml']);
      const isWidening = ({ code }: { code: string }): boolean => code === 'overlay-widens';
      return [findings.filter(isWidening).length, known.filter(isWidening).length];
    };
    expect(widening('')).to.deep.equal([1, 0]);
    expect(widening(accepted)).to.deep.equal([0, 1]);
  });
});
