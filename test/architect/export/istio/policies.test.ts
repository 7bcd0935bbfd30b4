import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { loadAll } from 'js-yaml';

import { compileGraph } from '../../../../src/planning/compile.ts';
import { isWaybillError } from '../../../../src/errors.ts';
import { istioResources, noteText, type IstioOptions } from '../../../../src/architect/export/index.ts';
import type { Plan } from '../../../../src/graph/index.ts';
import { HEAD, client, planOf } from '../../../support/compile.ts';

interface Rule {
  readonly from: readonly { readonly source: { readonly principals: readonly string[] } }[];
  readonly to: readonly {
    readonly operation: { readonly methods?: readonly string[]; readonly paths: readonly string[] };
  }[];
  readonly when: readonly { readonly key: string; readonly values?: readonly string[] }[];
}

interface Policy {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly action?: string;
    readonly rules?: readonly Rule[];
  };
}

const shipped = (name: string): Plan =>
  compileGraph([fileURLToPath(new URL(`../../../../graphs/${name}.yaml`, import.meta.url))]).plan!;

function exported(plan: Plan, options?: IstioOptions) {
  const { text, notes } = istioResources(plan, options);
  const resources = loadAll(text) as Policy[];
  const policies = resources.filter(({ kind }) => kind === 'AuthorizationPolicy');
  return {
    text,
    resources,
    policies,
    remarks: notes.map(noteText),
    of: (name: string) => policies.find(({ metadata }) => metadata.name === name)!,
  };
}

/** `frontend cartservice /hipstershop.CartService/GetCart` */
const pairsOf = ({ metadata, spec }: Policy): string[] =>
  (spec.rules ?? []).flatMap(({ from, to }) =>
    from.flatMap(({ source }) =>
      source.principals.flatMap((principal) =>
        to.flatMap(({ operation }) =>
          operation.paths.map((path) => `${principal.split('/').at(-1)} ${metadata.name} ${path}`),
        ),
      ),
    ),
  );

const shop = (scope: string, more = '') => `${HEAD}${client('{ shop: [buy] }')}services:
  shop: { scopes: { buy: { calls: { stock: [take] } } } }
  stock: { ${more} scopes: { take: ${scope} } }
`;

describe('export to Istio', () => {
  it('allows in online-boutique what its own policies allow, except five pairs that are never called', () => {
    const file = new URL('../../../callgraphs/online-boutique.json', import.meta.url);
    const { operationPolicies } = JSON.parse(readFileSync(file, 'utf8')) as {
      operationPolicies: readonly { principal: string; callee: string; path: string }[];
    };
    const own = operationPolicies
      .filter(({ path }) => path.startsWith('/'))
      .map(({ principal, callee, path }) => `${principal} ${callee} ${path}`);
    const { policies } = exported(shipped('online-boutique'));
    // The shop's policies say nothing of the frontend's own pages, nor of the assistant, which is optional there.
    const callees = new Set(own.map((pair) => pair.split(' ')[1]));
    const ours = policies.filter(({ metadata }) => callees.has(metadata.name)).flatMap(pairsOf);

    expect(ours.filter((pair) => !own.includes(pair))).to.deep.equal([]);
    expect(own.filter((pair) => !ours.includes(pair))).to.have.members([
      'checkoutservice cartservice /hipstershop.CartService/AddItem',
      'checkoutservice currencyservice /hipstershop.CurrencyService/GetSupportedCurrencies',
      'checkoutservice productcatalogservice /hipstershop.ProductCatalogService/ListProducts',
      'recommendationservice productcatalogservice /hipstershop.ProductCatalogService/GetProduct',
      'frontend shippingservice /hipstershop.ShippingService/ShipOrder',
    ]);
  });

  it('denies what no one calls, and everything else at the end', () => {
    const { policies, of } = exported(shipped('online-boutique'));
    expect(of('frontend').spec).to.deep.equal({
      selector: { matchLabels: { app: 'frontend' } },
      action: 'ALLOW',
    });
    expect(policies.at(-1)).to.deep.include({
      metadata: { name: 'waybill-deny-by-default', namespace: 'default' },
      spec: {},
    });
  });

  it('allows clients through a named gateway, and adds a remark without one', () => {
    const plan = shipped('online-boutique');
    const gateway = 'cluster.local/ns/istio-ingress/sa/gateway';
    const rules = exported(plan, { gateways: [gateway] }).of('frontend').spec.rules ?? [];
    expect(rules.length).to.be.greaterThan(0);
    for (const { from } of rules) expect(from[0]?.source.principals).to.deep.equal([gateway]);
    const checkout = rules.filter(({ when }) => when[0]?.values?.[0] === 'checkout');
    expect(checkout.map(({ when }) => when[1]?.values)).to.deep.equal([['storefront'], ['loadgenerator']]);
    expect(checkout[0]?.to).to.deep.equal([{ operation: { methods: ['POST'], paths: ['/cart/checkout'] } }]);
    // Once for each client, whatever the number of its scopes.
    const remarks = exported(plan).remarks.filter((remark) => remark.includes('no-gateway'));
    expect(remarks).to.have.length(2);
    expect(remarks[0]).to.include('the client storefront has no identity').and.include('--gateway');
  });

  it('reads namespace and principal from a SPIFFE ID of Istio', () => {
    const plan = planOf(
      shop("{ operations: ['GET /items'] }").replace(
        'defaults: {',
        "defaults: { identity: 'spiffe://cluster.local/ns/shop/sa/{name}',",
      ),
    );
    const policy = exported(plan).of('stock');
    expect(policy.metadata.namespace).to.equal('shop');
    expect(policy.spec.rules?.[0]?.from).to.deep.equal([
      {
        source: {
          principals: ['cluster.local/ns/shop/sa/shop'],
          requestPrincipals: ['http://127.0.0.1:8080/*'],
        },
      },
    ]);
  });

  it('uses the given label, namespace and principals', () => {
    const { of } = exported(planOf(shop("{ operations: ['GET /items'] }")), {
      namespace: 'prod',
      label: 'app.kubernetes.io/name=acme-{name}',
      principal: 'acme/ns/prod/sa/{name}',
    });
    expect(of('stock')).to.deep.include({ metadata: { name: 'stock', namespace: 'prod' } });
    expect(of('stock').spec.selector).to.deep.equal({
      matchLabels: { 'app.kubernetes.io/name': 'acme-stock' },
    });
    expect(of('stock').spec.rules?.[0]?.from[0]?.source.principals).to.deep.equal(['acme/ns/prod/sa/shop']);
  });

  const forms: readonly (readonly [string, object | undefined])[] = [
    ['GET /items', { methods: ['GET'], paths: ['/items'] }],
    ['ANY /items', { paths: ['/items'] }],
    ['/items', { paths: ['/items'] }],
    ['/acme.v1.Stock/Take', { methods: ['POST'], paths: ['/acme.v1.Stock/Take'] }],
    ['GET /items/{id}', { methods: ['GET'], paths: ['/items/{*}'] }],
    ['GET /items/{id}/*', { methods: ['GET'], paths: ['/items/{*}/{**}'] }],
    ['GET /items/*/price', { methods: ['GET'], paths: ['/items/{*}/price'] }],
    ['GET /items*', { methods: ['GET'], paths: ['/items*'] }],
    ['GET /items/x{id}', undefined],
    ['GET /a*b/c', undefined],
    ['GET /items?all=1', undefined],
    ['tool:take', undefined],
    ['TakeItem', undefined],
  ];
  for (const [operation, expected] of forms) {
    it(`${operation} becomes ${expected ? JSON.stringify(expected) : 'a note, and is denied'}`, () => {
      const plan = planOf(shop(`{ operations: ['${operation}'] }`));
      const { of, remarks, text } = exported(plan, { principal: 'td/{name}' });
      expect(of('stock').spec.rules?.[0]?.to).to.deep.equal(expected && [{ operation: expected }]);
      const told = remarks.find((remark) => remark.includes(`No request is allowed as \`${operation}\``));
      expect(told !== undefined).to.equal(expected === undefined);
      if (told !== undefined) expect(text).to.include(`# ${told}`);
    });
  }

  it('leaves out of a wide operation what another scope names more exactly, by method', () => {
    const plan = planOf(
      shop("{ operations: ['ANY /items/{id}'] }, put: { operations: ['PUT /items/new'] }").replace(
        'stock: [take]',
        'stock: [take, put]',
      ),
    );
    const rules = exported(plan, { principal: 'td/{name}' }).of('stock').spec.rules ?? [];
    expect(rules.map(({ to }) => to.map(({ operation }) => operation))).to.deep.equal([
      [
        { notMethods: ['PUT'], paths: ['/items/{*}'] },
        { methods: ['PUT'], paths: ['/items/{*}'], notPaths: ['/items/new'] },
      ],
      [{ methods: ['PUT'], paths: ['/items/new'] }],
    ]);
  });

  it('takes HEAD away with GET, as servers answer it so', () => {
    const plan = planOf(
      shop("{ operations: ['ANY /items/{id}'] }, see: { operations: ['GET /items/new'] }").replace(
        'stock: [take]',
        'stock: [take, see]',
      ),
    );
    const [wide] = exported(plan, { principal: 'td/{name}' }).of('stock').spec.rules ?? [];
    expect(wide?.to.map(({ operation }) => operation)).to.deep.equal([
      { notMethods: ['GET', 'HEAD'], paths: ['/items/{*}'] },
      { methods: ['GET'], paths: ['/items/{*}'], notPaths: ['/items/new'] },
      { methods: ['HEAD'], paths: ['/items/{*}'], notPaths: ['/items/new'] },
    ]);
  });

  it('denies a scope that Istio would read as a pattern', () => {
    for (const scope of ['take*', '*take', '*']) {
      const text = shop("{ operations: ['GET /items'] }")
        .replace('[take]', `['${scope}']`)
        .replace('take:', `'${scope}':`);
      const { of, remarks } = exported(planOf(text), { principal: 'td/{name}' });
      expect(of('stock').spec, scope).not.to.have.property('rules');
      expect(remarks.join('\n')).to.include(`name-unsupported: Istio reads the star in ${scope} as any text`);
    }
  });

  it('asks for the scope, and for the caller that the token names', () => {
    const plan = planOf(shop("{ operations: ['GET /items'] }"));
    const [rule] = exported(plan, { principal: 'td/{name}' }).of('stock').spec.rules ?? [];
    expect(rule?.when).to.deep.equal([
      { key: 'request.auth.claims[scope]', values: ['take'] },
      { key: 'request.auth.claims[act][sub]', values: ['shop'] },
      { key: 'request.auth.claims[cnf][jkt]', notValues: ['*'] },
      { key: 'request.auth.claims[cnf][x5t#S256]', notValues: ['*'] },
    ]);
  });

  it('takes a root of its client alone, unbound, and no child in its place', () => {
    const text = shop("{ operations: ['GET /items'] }").replace(
      'scopes: { buy: {',
      "caller: none, scopes: { buy: { operations: ['POST /orders'],",
    );
    const [rule] = exported(planOf(text)).of('shop').spec.rules ?? [];
    expect(rule?.from).to.deep.equal([{ source: { requestPrincipals: ['http://127.0.0.1:8080/*'] } }]);
    expect(rule?.when).to.deep.equal([
      { key: 'request.auth.claims[scope]', values: ['buy'] },
      { key: 'request.auth.claims[client_id]', values: ['web'] },
      { key: 'request.auth.claims[act][sub]', notValues: ['*'] },
      { key: 'request.auth.claims[cnf][jkt]', notValues: ['*'] },
      { key: 'request.auth.claims[cnf][x5t#S256]', notValues: ['*'] },
    ]);
  });

  it('denies a scope without operations', () => {
    const { of, remarks } = exported(planOf(shop('{}')), { principal: 'td/{name}' });
    expect(of('stock').spec).not.to.have.property('rules');
    expect(remarks.join('\n')).to.include('stock: no-operations');
  });

  it('denies callers whose identity is not a SPIFFE ID, where the service checks them', () => {
    const checked = exported(planOf(shop("{ operations: ['GET /items'] }")));
    expect(checked.of('stock').spec).not.to.have.property('rules');
    expect(checked.remarks.join('\n')).to.include('The identity shop of shop is no SPIFFE ID');
    const open = exported(planOf(shop("{ operations: ['GET /items'] }", 'caller: none,')));
    expect(open.of('stock').spec.rules?.[0]?.from[0]?.source).not.to.have.property('principals');
  });

  it('keeps text with line ends inside its comment', () => {
    const plan = planOf(shop('{ operations: ["x\\nkind: Evil"] }'));
    const { resources } = exported(plan);
    expect(resources.filter(({ kind }) => kind === 'Evil')).to.deep.equal([]);
    expect(resources.length).to.be.greaterThan(5);
  });

  it('selects pods by names with dots, and refuses a name that is too long for a label, or that no object can have', () => {
    const named = (name: string, options?: IstioOptions) =>
      istioResources(planOf(shop('{}').replaceAll('stock', name)), options);
    expect(named('stock.v1').text).to.include('name: stock.v1-waybill-calls').and.include('app: stock.v1');
    expect(named('s'.repeat(63)).resources.length).to.be.greaterThan(5);
    expect(() => named('s'.repeat(64))).to.throw('Set --label');
    expect(named('s'.repeat(64), { label: 'tier=all' }).resources.length).to.be.greaterThan(5);
    for (const name of ['stock.-v1', 'stock..v1']) expect(() => named(name)).to.throw('Kubernetes object');
  });

  it('refuses a name that Kubernetes does not allow', () => {
    const plan = planOf(shop('{}').replaceAll('stock', 'Stock_1'));
    expect(() => istioResources(plan))
      .to.throw()
      .that.satisfies((error: unknown) => isWaybillError(error, 'usage'));
  });
});
