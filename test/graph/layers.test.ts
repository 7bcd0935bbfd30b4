/** What a service has where it says nothing itself: from its zone, else from the graph, else built in. */
import { expect } from 'chai';
import { KnownFiles, type Plan } from '../../src/graph/index.ts';
import { compileDraft } from '../../src/planning/index.ts';
import { client, planOf } from '../support/compile.ts';
import { withFolder } from '../support/files.ts';

const AUTH = "auth: { method: private_key_jwt, jwks_file: 'keys/{zone}/{name}.jwks' }";

const graph = (ofGraph: string, ofZone: string, own: string): string => `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
zones: { pci: { defaults: { ${ofZone} } } }
defaults: { ${ofGraph} }
${client('{ shop.web: [s] }')}services:
  shop.web: { zone: pci, ${own} scopes: { s: } }
`;

const shopOf = (plan: Plan) => plan.services.get('shop.web')!;
const shop = (ofGraph: string, ofZone: string, own: string) => shopOf(planOf(graph(ofGraph, ofZone, own)));

const HEADERS = 'headers: { profile: envoy }';

describe('the layers of a service', () => {
  it('give each key of its own, else of its zone, else of the graph', () => {
    const keys = (lifetime: string, tier: string) =>
      `lifetime: ${lifetime}, audience: 'https://${tier}', identity: '${tier}', caller: mtls, accepts: jwt, namespace: ${tier}`;
    const wide = `${keys('3m', 'g')}, ${HEADERS}`;
    const seen = ({ lifetime, audience, identity, caller, accepts, namespace }: ReturnType<typeof shop>) => [
      lifetime,
      audience,
      identity,
      caller,
      accepts,
      namespace,
    ];
    expect(seen(shop(wide, '', ''))).to.deep.equal([180, 'https://g', 'g', 'mtls', 'jwt', 'g']);
    expect(seen(shop(wide, keys('2m', 'z'), ''))).to.deep.equal([120, 'https://z', 'z', 'mtls', 'jwt', 'z']);
    const own = `${keys('1m', 'o').replace('mtls', 'none').replace('jwt', 'any')},`;
    expect(seen(shop(wide, keys('2m', 'z'), own))).to.deep.equal([60, 'https://o', 'o', 'none', 'any', 'o']);
    expect(seen(shop(HEADERS, '', ''))).to.deep.equal([
      undefined,
      'shop.web',
      'shop.web',
      'none',
      'any',
      undefined,
    ]);
  });

  it('fill in name, namespace, zone and labels, and keep a doubled brace as one', () => {
    const { audience, identity, auth } = shop(
      `audience: 'https://{name}.{namespace}/{{x}', ${AUTH}, labels: { tier: low, team: web }, ${HEADERS}`,
      "identity: 'spiffe://test/{zone}/{label.tier}-{label.team}/{name}', labels: { tier: high }",
      'namespace: web,',
    );
    expect(audience).to.equal('https://shop.web/{x}');
    expect(identity).to.equal('spiffe://test/pci/high-web/shop');
    expect(JSON.stringify(auth)).to.include('keys/pci/shop.jwks');
  });

  it('merge headers key by key, up to a layer with a profile of its own or none', () => {
    const headers = (ofGraph: string, ofZone: string, own: string) => {
      const { profile, maxLine, maxTotal, reserve } = shop(ofGraph, ofZone, own).headers ?? {};
      return [profile, maxLine, maxTotal, reserve?.bytes];
    };
    const wide = 'headers: { profile: envoy, max_line: 1000, max_total: 9000, reserve: 300 }';
    expect(headers(wide, 'headers: { max_line: 2000 }', '')).to.deep.equal(['envoy', 2000, 9000, 300]);
    expect(headers(wide, 'headers: { max_line: 2000 }', 'headers: { reserve: 400 },')).to.deep.equal([
      'envoy',
      2000,
      9000,
      400,
    ]);
    expect(headers(wide, 'headers: { profile: nginx }', 'headers: { max_total: 3000 },')).to.deep.equal([
      'nginx',
      undefined,
      3000,
      300,
    ]);
    expect(headers(wide, 'headers: none', 'headers: { max_line: 5000 },')).to.deep.equal([
      undefined,
      5000,
      undefined,
      2048,
    ]);
  });

  it('are cleared by none', () => {
    expect(shop(`${AUTH}, ${HEADERS}`, '', '').auth).to.not.equal(undefined);
    expect(shop(`${AUTH}, ${HEADERS}`, 'auth: none', '').auth).to.equal(undefined);
    expect(shop(HEADERS, AUTH, 'auth: none,').auth).to.equal(undefined);
    expect(shop(`${AUTH}, ${HEADERS}`, 'auth: none', `${AUTH},`).auth).to.not.equal(undefined);
  });

  it('count for each graph by themselves where two share a service', () => {
    const files = (lifetime: string) => ({
      'a.yaml': graph(HEADERS, `lifetime: ${lifetime}`, '').replace(/services:[^]*/, ''),
      'b.yaml': 'waybill: 1\nservices: { shop.web: { zone: pci, scopes: { s: } } }\n',
    });
    const known = new KnownFiles();
    const lifetimes = ['1m', '2m'].map((lifetime) =>
      withFolder(files(lifetime), (folder) => {
        const { draft } = compileDraft([folder], {}, known);
        return draft && shopOf(draft).lifetime;
      }),
    );
    expect(lifetimes).to.deep.equal([60, 120]);
  });
});
