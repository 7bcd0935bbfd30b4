/**
 * Some systems bring a second witness of their own: an authorization policy, a test of their traces, a table of
 * OAuth clients. The graphs are compared with these too.
 */
import { expect } from 'chai';
import { readCallGraph } from '../support/graphs/call-graph.ts';
import { issuing, operationsOf, parseGraph, readGraph, type DeclaredGraph } from './declared-graph.ts';

describe('online-boutique and its own Istio policies', () => {
  it('calls what the policies allow, but for five pairs that no source calls', () => {
    const policies = readCallGraph('online-boutique').operationPolicies ?? [];
    const allowed = policies
      .filter(({ path }) => path.startsWith('/hipstershop.'))
      .map(({ principal, callee, path }) => `${principal} -> ${callee} ${path}`);
    const made = operationPairs(readGraph('online-boutique')).filter((pair) =>
      pair.includes('/hipstershop.'),
    );
    expect(made.filter((pair) => !allowed.includes(pair))).to.deep.equal([]);
    expect(allowed.filter((pair) => !made.includes(pair)).sort()).to.deep.equal([
      'checkoutservice -> cartservice /hipstershop.CartService/AddItem',
      'checkoutservice -> currencyservice /hipstershop.CurrencyService/GetSupportedCurrencies',
      'checkoutservice -> productcatalogservice /hipstershop.ProductCatalogService/ListProducts',
      'frontend -> shippingservice /hipstershop.ShippingService/ShipOrder',
      'recommendationservice -> productcatalogservice /hipstershop.ProductCatalogService/GetProduct',
    ]);
  });
});

describe('otel-demo and its own test of traces', () => {
  it('has every edge that the test asserts', () => {
    const asserted = readCallGraph('otel-demo').oracleEdges?.edges ?? [];
    expect(asserted).to.have.lengthOf(13);
    const made = serviceEdges(readGraph('otel-demo'));
    expect(asserted.map(([from, to]) => `${from} -> ${to}`).filter((edge) => !made.has(edge))).to.deep.equal(
      [],
    );
  });

  it('reaches the shop from the assistant through MCP and never past it', () => {
    const made = serviceEdges(readGraph('otel-demo'));
    expect(made.has('agent -> mcp')).to.equal(true);
    expect(made.has('mcp -> frontend')).to.equal(true);
    expect(made.has('agent -> frontend')).to.equal(false);
  });
});

describe('eshop-on-containers and the client table of its identity server', () => {
  const source = readCallGraph('eshop-on-containers');
  const graph = readGraph('eshop-on-containers');
  const table = source.oauthClients ?? {};

  it('has the clients of the table', () => {
    expect([...graph.clients.keys()].sort()).to.deep.equal(Object.keys(table).sort());
  });

  for (const [name, scopes] of Object.entries(table)) {
    it(`lets ${name} call its scopes of the table but for the ignored ones`, () => {
      const callable = graph.clients.get(name)?.calls.flatMap((call) => call.scopes) ?? [];
      const wanted = scopes.filter((scope) => !graph.ignoredScopes.includes(scope));
      expect([...callable].sort()).to.deep.equal([...wanted].sort());
    });
  }

  it('ignores no scope that an API defines, and has one service for each that one does', () => {
    const apiScopes = source.apiScopes ?? [];
    expect(graph.ignoredScopes.filter((scope) => apiScopes.includes(scope))).to.deep.equal([]);
    const owners = apiScopes.map((scope) =>
      [...graph.services.values()].filter(({ scopes }) => scopes.some(({ name }) => name === scope)),
    );
    expect(owners.map((services) => services.length)).to.deep.equal(apiScopes.map(() => 1));
  });
});

describe('eshop and two scopes that its APIs lost', () => {
  const source = readCallGraph('eshop');
  const ignored = ['openid', 'profile', 'offline_access'];
  const undefinedScopes = Object.entries(source.oauthClients ?? {}).flatMap(([client, scopes]) =>
    scopes
      .filter((scope) => !ignored.includes(scope) && !source.apiScopes?.includes(scope))
      .map((scope) => `${client} ${scope}`),
  );

  it('finds them in the real client table', () => {
    expect(undefinedScopes).to.deep.equal(['maui mobileshoppingagg', 'webapp webshoppingagg']);
  });

  it('keeps exactly these undefined in the graph for the negative case', () => {
    const graph = parseGraph(new URL('eshop-undefined-scopes.yaml', import.meta.url));
    const unknown = [...graph.clients.values()].flatMap((client) =>
      client.calls.flatMap((call) => {
        const defined = graph.services.get(call.to)?.scopes.map(({ name }) => name) ?? [];
        return call.scopes
          .filter((scope) => !defined.includes(scope))
          .map((scope) => `${client.name} ${scope}`);
      }),
    );
    expect(unknown).to.deep.equal(undefinedScopes);
  });
});

describe('social-network', () => {
  it('has a cycle between two services', () => {
    const made = serviceEdges(readGraph('social-network'));
    expect(made.has('user-service -> social-graph-service')).to.equal(true);
    expect(made.has('social-graph-service -> user-service')).to.equal(true);
  });

  it('has no cycle between scopes', () => {
    expect(scopeCycle(readGraph('social-network'))).to.deep.equal([]);
  });
});

function serviceEdges(graph: DeclaredGraph): Set<string> {
  const services = [...graph.services.values()];
  return new Set(
    services.flatMap(({ name, scopes }) =>
      scopes.flatMap((scope) => issuing(scope.calls).map((call) => `${name} -> ${call.to}`)),
    ),
  );
}

function operationPairs(graph: DeclaredGraph): string[] {
  const pairs = [...graph.services.values()].flatMap(({ name, scopes }) =>
    scopes.flatMap((scope) =>
      issuing(scope.calls).flatMap((call) =>
        operationsOf(graph, call).map((operation) => `${name} -> ${call.to} ${operation}`),
      ),
    ),
  );
  return [...new Set(pairs)];
}

/** @returns The scopes of one cycle in order, or nothing. */
function scopeCycle(graph: DeclaredGraph): readonly string[] {
  const done = new Set<string>();
  const visit = (service: string, scope: string, path: readonly string[]): readonly string[] => {
    const node = `${service}:${scope}`;
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return [];
    const declared = graph.services.get(service)?.scopes.find(({ name }) => name === scope);
    for (const call of issuing(declared?.calls ?? []))
      for (const next of call.scopes) {
        const cycle = visit(call.to, next, [...path, node]);
        if (cycle.length > 0) return cycle;
      }
    done.add(node);
    return [];
  };
  for (const [service, { scopes }] of graph.services)
    for (const scope of scopes) {
      const cycle = visit(service, scope.name, []);
      if (cycle.length > 0) return cycle;
    }
  return [];
}
