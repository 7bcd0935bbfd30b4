/** Istio in report mode: what the resources say, and what a real Envoy does with the patches of an EnvoyFilter. */
import { expect } from 'chai';
import { SignJWT, generateKeyPair } from 'jose';

import { istioResources, type IstioExport } from '../../../../src/architect/export/index.ts';
import { eventually } from '../../../support/clock/eventually.ts';
import { HEAD, client, planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, startEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers, freePort, listen } from '../../../support/http.ts';
import { startIssuer, stopIssuers } from '../../../support/issuer/start.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';
import { sendThrough } from '../proxied-shop.ts';

const sendPlain = (
  port: number,
  method: string,
  path: string,
  { host = '127.0.0.1', ...headers }: Readonly<Record<string, string>>,
) => sendThrough(port, `http://${host}${path}`, { method, headers });

const graph = (url: string) => `waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { headers: { profile: envoy }, caller: none, namespace: shop }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy] } }
  mobile: { auth: { method: client_secret_basic, secret_env: MOBILE }, calls: { shop: [look] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP_SECRET }
    scopes:
      buy: { calls: { stock: [take], ads: { scopes: [show], mode: exchange } } }
      look: { calls: { rates: { scopes: [read], mode: forward } } }
  stock: { scopes: { take: { operations: [POST /take] } } }
  ads: { scopes: { show: } }
  rates: { audience: "urn:rates:it's(100%25)", accepts_forward: [shop], scopes: { read: } }
`;

describe('export to Istio in report mode', () => {
  const plan = planOf(graph('http://127.0.0.1:8080'));
  const { resources, notes, text } = istioResources(plan, { mode: 'report' });
  const ofKind = (kind: string) => resources.filter((one) => one.kind === kind);

  it('lets every policy decide without force, and asks nobody for mutual TLS', () => {
    const policies = ofKind('AuthorizationPolicy');
    expect(policies).to.have.length(plan.services.size + 1);
    for (const { metadata } of policies)
      expect(metadata.annotations).to.deep.equal({ 'istio.io/dry-run': 'true' });
    expect(ofKind('PeerAuthentication').map(({ spec }) => spec)).to.deep.equal([
      { mtls: { mode: 'PERMISSIVE' } },
    ]);
    expect(ofKind('Sidecar')).to.deep.equal([]);
  });

  it('is said before all resources, and as notes', () => {
    expect(text.slice(0, text.indexOf('apiVersion'))).to.include(
      '# report-mode: Report mode: nothing is refused',
    );
    expect(notes.slice(0, 3).map(({ code }) => code)).to.deep.equal(Array(3).fill('report-mode'));
  });

  it('leaves nothing of it in what is enforced', () => {
    const enforced = istioResources(plan);
    expect(enforced.text).to.not.match(/dry-run|shadow|PERMISSIVE|access_log|CEL/);
    expect(istioResources(plan, { mode: 'enforce' }).text).to.equal(enforced.text);
  });
});

interface Patch {
  readonly applyTo: string;
  readonly match: {
    readonly context: string;
    readonly routeConfiguration?: { readonly vhost: { readonly domainName: string } };
  };
  readonly patch: { readonly value: Readonly<Record<string, unknown>> };
}

/** Applies patches as istiod would, to a listener and to virtual hosts of its own. */
function listenerWith(
  { resources }: IstioExport,
  context: string,
  port: number,
  hosts: readonly string[],
  before: readonly object[] = [],
): object {
  const patches = resources
    .filter(({ kind, metadata }) => kind === 'EnvoyFilter' && metadata.name.startsWith('shop-'))
    .flatMap(({ spec }) => (spec as { configPatches: readonly Patch[] }).configPatches)
    .filter(({ match }) => match.context === context);
  const values = (kind: string) =>
    patches.filter(({ applyTo }) => applyTo === kind).map(({ patch }) => patch.value);
  const [logs] = values('NETWORK_FILTER') as { typed_config: object }[];
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
  };
  return {
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              ...logs!.typed_config,
              stat_prefix: context,
              http_filters: [...before, ...values('HTTP_FILTER'), router],
              route_config: {
                virtual_hosts: hosts.map((host) => ({
                  name: host,
                  domains: [host],
                  routes: [{ match: { prefix: '/' }, route: { cluster: 'application' } }],
                  ...patches.find(({ match }) => match.routeConfiguration?.vhost.domainName === host)?.patch
                    .value,
                })),
              },
            },
          },
        ],
      },
    ],
  };
}

const clusterAt = (name: string, url: string) => ({
  name,
  connect_timeout: '5s',
  load_assignment: {
    cluster_name: name,
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              address: {
                socket_address: { address: '127.0.0.1', port_value: Number(new URL(url).port) },
              },
            },
          },
        ],
      },
    ],
  },
});

describe(`the proxy of Istio in report mode${needsEnvoy}`, function () {
  this.timeout(60_000);
  before(function () {
    if (!hasEnvoy) this.skip();
  });
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const HOSTS = ['stock', 'ads', 'rates'].map((name) => `${name}.shop.svc.cluster.local`);
  const [STOCK = '', ADS = '', RATES = ''] = HOSTS;
  const ELSEWHERE = 'elsewhere.example';

  /** @param keys where the proxy finds the cluster of the issuer; default: there. */
  async function start(keys?: number) {
    const issuer = await startIssuer(graph);
    const seen: (string | undefined)[] = [];
    const told: (string | string[] | undefined)[] = [];
    const application = await listen(({ headers }, response) => {
      seen.push(headers.authorization);
      told.push(headers['x-waybill-sub']);
      response.end();
    });
    const exported = istioResources(issuer.plan, { mode: 'report' });
    const [outbound, inbound] = [await freePort(), await freePort()];
    // In place of the policies, which istiod translates: whoever sends `x-allowed` is allowed.
    const policies = {
      name: 'policies',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC',
        shadow_rules_stat_prefix: 'istio_dry_run_allow_',
        shadow_rules: {
          action: 'ALLOW',
          policies: {
            allowed: {
              permissions: [{ any: true }],
              principals: [{ header: { name: 'x-allowed', present_match: true } }],
            },
          },
        },
      },
    };
    const { port } = new URL(issuer.url);
    const envoy = await startEnvoy(
      {
        static_resources: {
          listeners: [
            listenerWith(exported, 'SIDECAR_OUTBOUND', outbound, [...HOSTS, ELSEWHERE]),
            listenerWith(exported, 'SIDECAR_INBOUND', inbound, ['*'], [policies]),
          ],
          clusters: [
            clusterAt('application', application),
            clusterAt(`outbound|${port}||127.0.0.1`, `http://127.0.0.1:${keys ?? port}`),
          ],
        },
      },
      [outbound, inbound],
    );
    const token = async (scope: string, as: string) =>
      (await issuer.token({ grant_type: 'client_credentials', scope }, { as })).body['access_token']!;
    return {
      ...{ envoy, told, inbound },
      buy: await token('buy', 'web'),
      look: await token('look', 'mobile'),
      call: async (host: string, authorization?: string) => {
        const own = authorization === undefined ? {} : { authorization };
        expect((await sendPlain(outbound, 'GET', '/', { host, ...own })).status).to.equal(200);
        return seen.at(-1);
      },
      reported: async (count: number) => {
        await eventually(30, () => envoy.output().split('\n').length > count);
        const lines = envoy.output().trim().split('\n');
        return lines.map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
      },
    };
  }

  it('puts the callee’s token in, passes on what may be passed on, and counts what goes without', async () => {
    const { call, buy, look, envoy, reported } = await start();
    expect(await call(STOCK, `Bearer ${buy}`)).to.equal(`Bearer ${tokenAt(buy, 'stock').compact}`);
    expect(await call(RATES, `Bearer ${look}`)).to.equal(`Bearer ${look}`);
    // The application fetches this token itself.
    expect(await call(ADS, `Bearer ${buy}`)).to.equal(undefined);
    expect(await call(STOCK, `Bearer ${look}`)).to.equal(undefined);
    expect(await call(RATES, `Bearer ${buy}`)).to.equal(undefined);
    expect(await call(STOCK)).to.equal(undefined);
    expect(await call(ELSEWHERE, `Bearer ${buy}`)).to.equal(undefined);
    const lines = await reported(4);
    expect(lines.map(({ decision, at, callee }) => [decision, at, callee])).to.deep.equal(
      [STOCK, RATES, STOCK, ELSEWHERE].map((callee) => ['reported', 'call', callee]),
    );
    expect(lines[2]).to.include({ service: 'shop', audience: 'shop' });
    expect(envoy.output()).to.not.match(/eyJ|Bearer/);
  });

  it('keeps credentials for other hosts that cannot be the service’s own token', async () => {
    const { call, buy } = await start();
    const { privateKey } = await generateKeyPair('ES256');
    const foreign = await new SignJWT({ aud: 'shop' })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('https://other.example')
      .sign(privateKey);
    expect(await call(ELSEWHERE, `Bearer ${foreign}`)).to.equal(`Bearer ${foreign}`);
    expect(await call(ELSEWHERE, 'Basic eDp5')).to.equal('Basic eDp5');
    for (const own of [`bearer ${buy}`, `Bearer ${buy.slice(0, -8)}AAAAAAAA`, `DPoP ${buy}`, 'Bearer opaque'])
      expect(await call(ELSEWHERE, own), own.slice(0, 7)).to.equal(undefined);
  });

  it('sends the service’s own token nowhere, where the keys of the issuer cannot be had', async () => {
    const { call, buy, look } = await start(await freePort());
    for (const host of [...HOSTS, ELSEWHERE])
      for (const token of [buy, look]) expect(await call(host, `Bearer ${token}`), host).to.equal(undefined);
  });

  it('tells a service of tokens that its policies allow, and reports the other requests', async () => {
    const { told, inbound, reported } = await start();
    const headers = { host: 'shop', 'x-waybill-sub': 'web' };
    expect((await sendPlain(inbound, 'GET', '/x?y=1', headers)).status).to.equal(200);
    expect((await sendPlain(inbound, 'GET', '/', { ...headers, 'x-allowed': '1' })).status).to.equal(200);
    expect(told).to.deep.equal([undefined, 'web']);
    const lines = await reported(1);
    expect(lines.map(({ at, path, policies }) => [at, path, policies])).to.deep.equal([
      ['service', '/x', 'denied'],
    ]);
  });
});

describe('export to Istio in report mode: services without callees', () => {
  it('report requests alone', () => {
    const plan = planOf(`${HEAD}${client('{ shop: [buy] }')}services: { shop: { scopes: { buy: } } }\n`);
    const { resources } = istioResources(plan, { mode: 'report' });
    expect(resources.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).to.deep.equal([
      'RequestAuthentication shop',
      'AuthorizationPolicy shop',
      'EnvoyFilter shop-waybill-paths',
      'EnvoyFilter shop-waybill-calls',
      'EnvoyFilter shop-waybill-report',
      'PeerAuthentication default',
      'EnvoyFilter waybill-strip-headers',
      'AuthorizationPolicy waybill-deny-by-default',
    ]);
  });
});
