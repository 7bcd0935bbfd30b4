import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { loadAll } from 'js-yaml';

import { compileGraph } from '../../../src/planning/compile.ts';
import { isWaybillError } from '../../../src/errors.ts';
import { istioPolicies, type IstioOptions } from '../../../src/architect/export/index.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { HEAD, client, planOf } from '../../support/compile.ts';

interface Rule {
  readonly from: readonly { readonly source: { readonly principals: readonly string[] } }[];
  readonly to: readonly {
    readonly operation: { readonly methods?: readonly string[]; readonly paths: readonly string[] };
  }[];
}

interface Policy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly action?: string;
    readonly rules?: readonly Rule[];
  };
}

const shipped = (name: string): Plan =>
  compileGraph([fileURLToPath(new URL(`../../../graphs/${name}.yaml`, import.meta.url))]).plan!;

function exported(plan: Plan, options?: IstioOptions) {
  const { text, remarks } = istioPolicies(plan, options);
  const policies = loadAll(text) as Policy[];
  return {
    text,
    remarks,
    policies,
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
    const file = new URL('../../callgraphs/online-boutique.json', import.meta.url);
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
    expect(rules.map(({ from }) => from[0]?.source.principals)).to.deep.equal([[gateway], [gateway]]);
    expect(rules[0]?.to).to.deep.include({
      operation: {
        methods: ['POST'],
        paths: ['/cart', '/cart/empty', '/cart/checkout', '/setCurrency', '/bot'],
      },
    });
    expect(exported(plan).remarks.join('\n'))
      .to.include('storefront calls frontend')
      .and.include('--gateway');
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
      { source: { principals: ['cluster.local/ns/shop/sa/shop'] } },
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
    it(`${operation} becomes ${expected ? JSON.stringify(expected) : 'a remark, and is denied'}`, () => {
      const plan = planOf(shop(`{ operations: ['${operation}'] }`));
      const { of, remarks, text } = exported(plan, { principal: 'td/{name}' });
      expect(of('stock').spec.rules?.[0]?.to).to.deep.equal(expected && [{ operation: expected }]);
      const told = `stock:take: Istio cannot express the operation ${operation}`;
      expect(remarks.some((remark) => remark.startsWith(told))).to.equal(expected === undefined);
      expect(text.includes(`# ${told}`)).to.equal(expected === undefined);
    });
  }

  it('denies a scope without operations', () => {
    const { of, remarks } = exported(planOf(shop('{}')), { principal: 'td/{name}' });
    expect(of('stock').spec).not.to.have.property('rules');
    expect(remarks).to.include(
      'stock:take has no operations, so no call to it is allowed. Add `operations`.',
    );
  });

  it('denies callers whose identity is not a SPIFFE ID', () => {
    const { of, remarks } = exported(planOf(shop("{ operations: ['GET /items'] }")));
    expect(of('stock').spec).not.to.have.property('rules');
    expect(remarks.join('\n')).to.include('its identity shop is not a SPIFFE ID');
  });

  it('keeps text with line ends inside its comment', () => {
    const plan = planOf(shop('{ operations: ["x\\nkind: Evil"] }'));
    expect(
      exported(plan).policies.every((policy) => (policy as { kind?: string }).kind === 'AuthorizationPolicy'),
    ).to.equal(true);
  });

  it('refuses a name that Kubernetes does not allow', () => {
    const plan = planOf(shop('{}').replaceAll('stock', 'Stock_1'));
    expect(() => istioPolicies(plan))
      .to.throw()
      .that.satisfies((error: unknown) => isWaybillError(error, 'usage'));
  });
});
