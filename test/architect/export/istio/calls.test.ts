import { expect } from 'chai';
import { istioResources, type IstioOptions } from '../../../../src/architect/export/index.ts';
import { HEAD, client, planOf } from '../../../support/compile.ts';

interface Patch {
  readonly applyTo: string;
  readonly match: { readonly routeConfiguration?: { readonly vhost: { readonly domainName: string } } };
  readonly patch: { readonly operation: string; readonly value: Readonly<Record<string, unknown>> };
}

const graph = `${HEAD}${client('{ shop: [buy] }')}services:
  shop:
    namespace: front
    auth: { method: client_secret_basic, secret_env: SHOP_SECRET }
    calls: { queue: { mode: none } }
    scopes:
      buy: { calls: { stock: [take], ads: { scopes: [show], mode: exchange } } }
  stock: { namespace: back, scopes: { take: } }
  ads: { namespace: back, scopes: { show: } }
`;

function resource(kind: string, name: string, options?: IstioOptions) {
  const { resources, notes } = istioResources(planOf(graph), options);
  const found = resources.find((one) => one.kind === kind && one.metadata.name === name);
  return { found, notes };
}

describe('export to Istio: calls of a service', () => {
  const patches = (): readonly Patch[] => {
    const { found } = resource('EnvoyFilter', 'shop-waybill-calls');
    return (found?.spec as { configPatches: readonly Patch[] }).configPatches;
  };

  it('takes headers of the token away, reads the token and takes it away, before the router', () => {
    const filters = patches().filter(({ applyTo }) => applyTo === 'HTTP_FILTER');
    expect(filters.map(({ patch }) => [patch.operation, patch.value['name']])).to.deep.equal([
      ['INSERT_BEFORE', 'waybill.strip_headers'],
      ['INSERT_BEFORE', 'envoy.filters.http.jwt_authn'],
      ['INSERT_BEFORE', 'waybill.callee_token'],
    ]);
    expect(JSON.stringify(filters)).to.include('"forward":false').and.include('"audiences":["shop"]');
  });

  it('puts the token of an embedded callee in, at its host, and nothing at others', () => {
    const hosts = patches().filter(({ applyTo }) => applyTo === 'VIRTUAL_HOST');
    expect(hosts.map(({ match }) => match.routeConfiguration?.vhost.domainName)).to.deep.equal([
      'stock.back.svc.cluster.local',
    ]);
    expect(JSON.stringify(hosts[0]?.patch.value)).to.include(
      'Bearer %DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:embedded:stock)%',
    );
  });

  it('shows a service its callees and the issuer alone; what the graph does not declare is noted', () => {
    const { found, notes } = resource('Sidecar', 'shop');
    expect(found?.spec).to.deep.include({
      egress: [
        { hosts: ['back/stock.back.svc.cluster.local', 'back/ads.back.svc.cluster.local', '*/127.0.0.1'] },
      ],
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    });
    const codes = notes.filter(({ service }) => service === 'shop').map(({ code }) => code);
    expect(codes).to.include('unrouted-callee').and.include('on-demand');
  });

  it('fetches keys through the cluster of the given address', () => {
    const { found } = resource('EnvoyFilter', 'shop-waybill-calls', {
      jwksUri: 'http://waybill.tokens.svc.cluster.local:8080/jwks',
    });
    expect(JSON.stringify(found)).to.include('"cluster":"outbound|8080||waybill.tokens.svc.cluster.local"');
  });

  it('passes on the token of a service that forwards it, and no other', () => {
    const forwarding = `${HEAD}${client('{ shop: [buy] }')}services:
  shop: { scopes: { buy: { calls: { stock: { scopes: [take], mode: forward } } } } }
  stock: { caller: none, accepts_forward: [shop], scopes: { take: } }
`;
    const { resources } = istioResources(planOf(forwarding));
    const text = JSON.stringify(resources.find(({ metadata }) => metadata.name === 'shop-waybill-calls'));
    expect(text).to.include('"requirement_name":"forward"');
    expect(text).to.include('"list_match":{"one_of":{"string_match":{"exact":"stock"}}}');
    expect(text).to.match(/"not_id":\{"metadata":\{[^}]*\},\{"key":"embedded"\}/);
  });
});
