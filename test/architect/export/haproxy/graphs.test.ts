import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { EXPORT_MODES, haproxyConfig } from '../../../../src/architect/export/index.ts';
import { HEAD, client, planOf } from '../../../support/compile.ts';
import { removeScratch, scratchFile } from '../../../support/files.ts';
import { hasHaproxy, needsHaproxy, validateHaproxy } from '../../../support/haproxy.ts';
import { testCa } from '../../../support/keys/certificates.ts';
import { projectGraphs } from '../../../support/graphs/project.ts';

describe(`configurations of HAProxy${needsHaproxy}`, () => {
  let files: Parameters<typeof haproxyConfig>[1];
  before(function () {
    if (!hasHaproxy) return this.skip();
    const ca = testCa();
    const own = ca.issue({ commonName: 'service', dns: ['service'] });
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const authorities = scratchFile('ca.crt', ca.cert);
    files = {
      tls: { certificate: scratchFile('tls.pem', own.chain + own.key), authorities },
      systemAuthorities: authorities,
      keyFiles: [scratchFile('issuer.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString())],
    };
  });
  after(removeScratch);

  for (const { title, plan: compiled } of projectGraphs) {
    it(`are accepted for every service of ${title}`, () => {
      const plan = compiled();
      const addresses = new Map(
        Array.from(plan.services.keys(), (name) => [name, { host: '127.0.0.1', port: 1 }]),
      );
      const configs = EXPORT_MODES.map((mode) => haproxyConfig(plan, { ...files, addresses, mode }).services);
      expect(configs.map(({ size }) => size)).to.deep.equal(EXPORT_MODES.map(() => plan.services.size));
      for (const [name, text] of configs.flatMap((services) => [...services]))
        expect(validateHaproxy(text), name).to.equal('');
    });
  }
});

describe('export to HAProxy: what it cannot express', () => {
  const codes = (text: string, service: string): string[] =>
    haproxyConfig(planOf(text))
      .notes.filter((note) => note.service === service)
      .map(({ code }) => code);
  const graph = (shop: string, stock = '') => `${HEAD}${client('{ shop: [buy] }')}services:
  shop: { audience: 'http://shop.example', caller: none, ${shop} }
  stock.v1: { audience: 'http://stock.example', caller: none, ${stock} scopes: { take: { operations: [GET /] } } }
`;

  it('is noted by service, with a code', () => {
    const buy = 'scopes: { buy: { operations: [GET /], calls: { stock.v1: [take] } } }';
    expect(codes(graph(buy), 'shop')).to.deep.equal(['packed-encoding', 'bound-tokens', 'name-unsupported']);
    const mtls = graph(buy, 'caller: mtls,').replace('caller: none, caller: mtls', 'caller: mtls');
    expect(codes(mtls, 'stock.v1')).to.deep.equal(['caller-unchecked']);
  });

  it('denies every request where the caller is to be checked', () => {
    const buy = 'scopes: { buy: { operations: [GET /], calls: { stock.v1: [take] } } }';
    const mtls = graph(buy, 'caller: mtls,').replace('caller: none, caller: mtls', 'caller: mtls');
    const { services } = haproxyConfig(planOf(mtls));
    expect(services.get('stock.v1')).not.to.include('http-request allow');
    expect(services.get('shop')).to.include('http-request allow');
  });
});
