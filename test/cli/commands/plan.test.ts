import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { removeScratch, scratchFile } from '../../support/files.ts';
import { run } from '../../support/program.ts';

const graphs = fileURLToPath(new URL('../../../graphs/', import.meta.url));
const boutique = `${graphs}online-boutique.yaml`;

interface Call {
  readonly service: string;
  readonly audience?: string;
  readonly scope: readonly string[];
  readonly claims: readonly string[];
  readonly mode: string;
  readonly bytes?: { readonly nested: number };
  readonly budget?: {
    readonly limit: number | null;
    readonly profile: string | null;
    readonly fits: boolean;
  };
  readonly calls: readonly Call[];
}

const all = (call: Call): Call[] => [call, ...call.calls.flatMap(all)];

async function planJson(...args: string[]) {
  const { code, stdout, stderr } = await run(['plan', '--json', ...args]);
  return {
    code,
    stderr,
    plan: JSON.parse(stdout) as Readonly<Record<string, unknown>> & { readonly root: Call },
  };
}

/** A graph of four tokens in which only small requests fit. */
const tight = (issuer: string, headers: string) => `
waybill: 1
issuer: { url: 'https://tokens.example', ${issuer} }
defaults: { headers: ${headers} }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { shop: [one, two, three] }
services:
  shop: { scopes: { one: { calls: { a: [x] } }, two: { calls: { b: [x] } }, three: { calls: { c: [x] } } } }
  a: { scopes: { x: {} } }
  b: { scopes: { x: {} } }
  c: { scopes: { x: {} } }
`;
const ALL = 'one two three';

describe('waybill plan', () => {
  after(removeScratch);

  it('--help says that there is no resource by default', async () => {
    const { stdout } = await run(['plan', '--help']);
    expect(stdout.replaceAll(/\s+/g, ' ')).to.include(
      '--resource <uri> the audience of the entry service, if several have such scopes (repeatable) (default: none)',
    );
  });

  it('--json has client, scope, tokens, depth and the tree from its root', async () => {
    const { code, plan } = await planJson(boutique, '--client', 'storefront', '--scope', 'checkout');
    expect(code).to.equal(0);
    expect(Object.keys(plan)).to.deep.equal(['client', 'scope', 'tokens', 'depth', 'encoding', 'root']);
    expect(plan).to.include({ client: 'storefront', scope: 'checkout', tokens: 12, depth: 3 });
    const { calls, bytes, budget, ...root } = plan.root;
    expect(root).to.deep.include({
      service: 'frontend',
      audience: 'https://frontend.boutique.example',
      scope: ['checkout'],
      claims: [],
      mode: 'embed',
    });
    expect(calls.map(({ service }) => service)).to.deep.equal([
      'checkoutservice',
      'recommendationservice',
      'productcatalogservice',
      'currencyservice',
    ]);
    expect(bytes?.nested).to.be.greaterThan(10_000);
    expect(budget).to.include({ profile: 'istio', fits: true });
  });

  it('every token has bytes and a budget that says whether it fits; a call without a token has neither', async () => {
    for (const graph of ['online-boutique', 'otel-demo']) {
      const client = graph === 'otel-demo' ? 'browser' : 'storefront';
      const { plan } = await planJson(`${graphs}${graph}.yaml`, '--client', client);
      const calls = all(plan.root);
      expect(calls.filter(({ mode }) => mode === 'embed')).to.have.lengthOf(plan['tokens'] as number);
      const budgets: boolean[] = [];
      for (const { mode, bytes, budget } of calls) {
        expect([bytes !== undefined, budget !== undefined]).to.deep.equal([
          mode === 'embed',
          mode === 'embed',
        ]);
        if (bytes && budget) budgets.push(budget.fits === bytes.nested <= (budget.limit ?? Infinity));
      }
      expect(budgets)
        .to.have.lengthOf(plan['tokens'] as number)
        .and.not.include(false);
    }
  });

  it('calls whose token is fetched, passed on or absent have a mode and no bytes', async () => {
    const { plan } = await planJson(
      `${graphs}tutorial/3-real.yaml`,
      '--client',
      'web',
      '--scope',
      'order:cancel',
    );
    const modes = new Map(plan.root.calls.map((call) => [call.service, call]));
    expect(modes.get('fraud')).to.deep.include({
      mode: 'exchange',
      scope: ['report'],
      probability: 0.02,
      calls: [],
    });
    expect(modes.get('orders-db')).to.deep.include({ mode: 'none', scope: [], calls: [] });
    for (const name of ['fraud', 'orders-db'])
      expect(modes.get(name)).to.not.have.any.keys('bytes', 'budget');
  });

  it('without --scope the default scopes are meant', async () => {
    const { plan } = await planJson(boutique, '--client', 'storefront');
    expect(plan['scope']).to.equal('home');
  });

  it('text: the request, one line per token with size, header budget and profile, and a legend', async () => {
    const { code, stdout } = await run(['plan', boutique, '--client', 'storefront', '--scope', 'checkout']);
    expect(code).to.equal(0);
    expect(stdout).to.match(/^storefront asks for checkout: 12 tokens, 3 levels, ES256, 300 s\n/);
    expect(stdout).to.match(
      /│ {2}├─ paymentservice {2}charge {2}\{region\} +[\d,]+ B {2}of [\d,]+ \(node\) +█░+ +\d+ %/,
    );
    expect(stdout).to.match(/redis-cart +no token/);
    expect(stdout).to.contain('In braces: claims');
    expect(stdout.split('\n').filter((line) => / B {2}of /.test(line))).to.have.lengthOf(12);
  });

  it('a token that does not fit its hop: exit 1, and the hop is marked', async () => {
    const file = scratchFile('tight.yaml', tight('lifetime: 5m', '{ max_line: 1900B }'));
    const request = [file, '--client', 'web', '--scope', ALL];
    const { code, plan } = await planJson(...request);
    expect([code, plan.root.budget?.fits]).to.deep.equal([1, false]);
    const { stdout } = await run(['plan', ...request]);
    expect(stdout).to.match(/^shop .* does not fit$/m);
    expect((await run(['plan', file, '--client', 'web', '--scope', 'one'])).code).to.equal(0);
  });

  for (const [limit, says] of [
    ['limits: { tokens: 3 }', '4 tokens; `issuer.limits.tokens` is 3.'],
    ['limits: { nested: 2KiB }', 'bytes; `issuer.limits.nested` is 2048.'],
  ] as const) {
    it(`a request over ${limit}: shown, exit 1, and what the issuer would say`, async () => {
      const file = scratchFile('tight.yaml', tight(limit, '{ profile: go }'));
      const { code, stderr, plan } = await planJson(file, '--client', 'web', '--scope', ALL);
      expect([code, plan['tokens']]).to.deep.equal([1, 4]);
      expect(stderr).to.contain('The issuer would refuse this request').and.to.contain(says);
    });
  }

  it('reports an error of size and still shows the tree', async () => {
    const file = scratchFile('tight.yaml', tight('lifetime: 5m', '{ max_line: 500B }'));
    const { code, stdout, stderr } = await run(['plan', file, '--client', 'web', '--scope', 'one']);
    expect(code).to.equal(1);
    expect(stderr).to.contain('budget-exceeded');
    expect(stdout).to.contain('does not fit');
  });

  it('where names are in error nothing is drawn: exit 1 and the findings', async () => {
    const file = scratchFile(
      'broken.yaml',
      tight('lifetime: 5m', '{ profile: go }').replace('a: [x]', 'nobody: [x]'),
    );
    const { code, stdout, stderr } = await run(['plan', file, '--client', 'web', '--scope', 'one']);
    expect([code, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.contain('unknown-service');
  });

  it('an unknown client is wrong use, and the nearest one or all of them are named', async () => {
    const near = await run(['plan', boutique, '--client', 'storefornt']);
    expect([near.code, near.stdout]).to.deep.equal([2, '']);
    expect(near.stderr).to.contain('The graph has no client storefornt. Did you mean storefront?');
    const far = await run(['plan', boutique, '--client', 'x']);
    expect(far.code).to.equal(2);
    expect(far.stderr).to.contain('It has: storefront, loadgenerator.');
  });

  it('an unknown scope is what the issuer would refuse: exit 1, and those that may be asked for', async () => {
    const { code, stderr } = await run(['plan', boutique, '--client', 'loadgenerator', '--scope', 'bot']);
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /invalid_scope {2}loadgenerator may not ask for: bot\. It may ask for: home product/,
    );
  });

  it('--resource chooses between entries, wherever it stands in the command', async () => {
    const eshop = `${graphs}eshop-on-containers.yaml`;
    const ordering = 'https://ordering-api.eshop.example';
    const scope = ['--scope', 'orders basket'];
    const ambiguous = await run(['plan', '--client', 'js', ...scope, eshop]);
    expect(ambiguous.code).to.equal(1);
    expect(ambiguous.stderr).to.contain('invalid_target').and.to.contain(ordering);
    const { code, plan } = await planJson('--client', 'js', ...scope, '--resource', ordering, eshop);
    expect([code, plan['scope'], plan.root.service]).to.deep.equal([0, 'orders', 'ordering-api']);
  });

  it('without --client and --all it is wrong use', async () => {
    const { code, stderr } = await run(['plan', boutique]);
    expect(code).to.equal(2);
    expect(stderr).to.contain('Name the client that asks with --client, or use --all for all requests.');
  });

  describe('of one request', () => {
    const file = () =>
      scratchFile(
        'known.yaml',
        `waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: go } }
subjects: { login: { issuer: 'https://login.example', audience: app, acr: { mfa: ['urn:2fa'] } } }
claims:
  role: { from: subject, path: realm.roles, type: strings, max_bytes: 64 }
  amount: { from: request, type: int }
  note: { from: request, type: string, max_bytes: 40 }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    grants: [client_credentials, token_exchange]
    subjects: [login]
    calls: { shop: { scopes: [pay, refund], when: { refund: '"support" in subject.role && auth.acr == "mfa" && auth.age <= 300' } } }
services:
  shop: { scopes: { pay: { claims: [note], calls: { bank: [charge] } }, refund: { claims: [amount!] } } }
  bank: { scopes: { charge: { claims: [amount!] } } }
`,
      );
    const asked = (...facts: string[]) =>
      run(['plan', '--json', file(), '--client', 'web', '--scope', 'pay refund', ...facts]);
    const support = ['--subject', 'role=["support"]', '--auth', 'acr=urn:2fa', '--auth', 'age=60'];

    it('decides its conditions, and gives known values their own size', async () => {
      const { plan } = await planJson(file(), '--client', 'web', '--scope', 'pay refund');
      expect(plan['scope']).to.equal('pay refund');
      for (const [facts, scope] of [
        [support, 'pay refund'],
        [support.with(1, 'role=["sales"]'), 'pay'],
        [support.with(3, 'acr=urn:pwd'), 'pay'],
        [support.with(5, 'age=301'), 'pay'],
        [[], 'pay'],
      ] as const) {
        const { stdout } = await asked('--request', 'amount=5', ...facts);
        const known = JSON.parse(stdout) as { scope: string; root: Call };
        expect(known.scope, facts.join(' ')).to.equal(scope);
        expect(known.root.bytes?.nested).to.be.below(plan.root.bytes?.nested ?? 0);
      }
      const size = async (note: string) => {
        const { stdout } = await asked('--request', 'amount=5', '--request', `note=${note}`);
        return (JSON.parse(stdout) as { root: Call }).root.bytes?.nested ?? 0;
      };
      expect(await size('x'.repeat(31))).to.equal((await size('x')) + 40); // 30 bytes as base64url
    });

    it('is refused as the issuer refuses it', async () => {
      for (const [facts, code, message] of [
        [[...support], 1, /bank needs the claim amount|shop needs the claim amount/],
        [['--request', 'amount=5.5'], 1, /amount is not of its type/],
        [['--request', 'amuont=5'], 2, /no claim amuont of the request. Did you mean amount/],
        [['--request', 'amount'], 2, /takes name=value/],
        [['--request', 'amount=5', '--subject', 'amount=5'], 2, /amount is not one of the user/],
        [
          ['--request', 'amount=5', '--subject', 'role=support'],
          2,
          /--subject role=… takes a list of texts in JSON/,
        ],
        [
          ['--request', 'amount=5', '--subject', 'provider=other'],
          2,
          /exchanges no tokens of users of other/,
        ],
        [['--request', 'amount=5', '--auth', 'level=mfa'], 2, /acr=LEVEL or age=SECONDS/],
        [['--request', 'amount=5', '--holders'], 2, /cannot be used with/],
      ] as const) {
        const { code: exit, stderr } = await asked(...facts);
        expect(stderr, facts.join(' ')).to.match(message);
        expect(exit).to.equal(code);
      }
    });
  });
});
