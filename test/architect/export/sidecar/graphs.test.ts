/** Every graph of the project as configuration of sidecars and of nginx: both accept it, and what is lost is noted. */
import { expect } from 'chai';

import {
  EXPORT_MODES,
  nginxConfig,
  sidecarConfigs,
  configYaml,
} from '../../../../src/architect/export/index.ts';
import { generateEncryptionKey } from '../../../../src/issuer/keys/index.ts';
import { Sidecar, readConfig, sidecarOptions } from '../../../../src/mesh/index.ts';
import { planOf } from '../../../support/compile.ts';
import { removeScratch, scratchFile } from '../../../support/files.ts';
import { LOOPBACK, testCa } from '../../../support/keys/certificates.ts';
import { checkNginx, hasNginx, needsNginx } from '../../../support/nginx.ts';
import { projectGraphs } from '../../../support/graphs/project.ts';

after(removeScratch);

describe('graphs as configuration of sidecars', () => {
  for (const { title, plan: compiled } of projectGraphs)
    it(title, async () => {
      const plan = compiled();
      const key = await generateEncryptionKey('X25519', 'ECDH-ES');
      const decryption = scratchFile('decryption.json', JSON.stringify({ keys: [key] }));
      const { services, notes } = sidecarConfigs(plan, { gateways: ['spiffe://gateway'] });
      expect([...services.keys()]).to.deep.equal([...plan.services.keys()]);
      for (const [name, file] of services) {
        const text = configYaml(plan, name, file, notes);
        const { config } = readConfig(scratchFile('sidecar.yaml', text), {});
        // Secrets are where the service runs.
        const { credentials: _, revocation: __, decryption_file: keys, ...given } = config;
        const rest = keys === undefined ? given : { ...given, decryption_file: decryption };
        expect(
          () => new Sidecar({ ...sidecarOptions(rest, {}), onDecision: () => undefined }),
          name,
        ).not.to.throw();
      }
    });

  it('gives the identities of callees by host, where the graph names SPIFFE IDs', () => {
    const plan = planOf(`
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: envoy }, audience: 'https://{name}.example' }
clients: { web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [buy] } } }
services:
  shop: { scopes: { buy: { calls: { stock: [take], mail: [send] } } } }
  stock: { identity: 'spiffe://x/stock', scopes: { take: {} } }
  mail: { scopes: { send: {} } }
`);
    const { services } = sidecarConfigs(plan, {
      addresses: new Map([['stock', { host: '10.0.0.7', port: 8443 }]]),
    });
    const id = 'spiffe://x/stock';
    expect(services.get('shop')?.['callee_identities']).to.deep.equal({
      'stock.example': id,
      'stock.example:80': id,
      'stock.example:443': id,
      '10.0.0.7:8443': id,
    });
    expect(services.get('stock')).not.to.have.property('callee_identities');
  });

  it('says what a sidecar cannot do without credentials', () => {
    const plan = planOf(`
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: envoy }, audience: 'https://{name}.example', caller: mtls, identity: 'spiffe://x/{name}' }
clients: { web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [buy] } } }
services:
  shop: { scopes: { buy: { operations: [POST /buy] }, other: {} } }
  stock: { auth: { method: client_secret_post, secret_file: /run/secret }, scopes: { take: {} } }
`);
    const { services, notes } = sidecarConfigs(plan, { check: { host: 'sidecar', port: 9191 } });
    expect(notes.filter(({ service }) => service === 'shop').map(({ code }) => code)).to.deep.equal([
      ...['no-operations', 'revocation', 'caller-unchecked', 'no-gateway'],
    ]);
    expect(services.get('shop')).to.deep.include({ operations: { buy: ['POST /buy'] }, caller: 'mtls' });
    expect(services.get('shop')).not.to.have.property('client_cert');
    expect(services.get('stock')).to.deep.include({
      operations: {},
      revocation: 'introspect',
      credentials: { client_id: 'stock', method: 'client_secret_post', secret_file: '/run/secret' },
    });
  });
});

describe(`graphs as configuration of nginx${needsNginx}`, function () {
  this.timeout(60_000);
  before(function () {
    if (!hasNginx) this.skip();
  });
  for (const { title, plan: compiled } of projectGraphs)
    it(title, () => {
      const ca = testCa();
      const { cert, key } = ca.issue(LOOPBACK);
      const authorities = scratchFile('ca.crt', ca.cert);
      const plan = compiled();
      const options = {
        tls: { certificate: scratchFile('tls.crt', cert), key: scratchFile('tls.key', key), authorities },
        systemAuthorities: authorities,
        // nginx resolves names when it starts.
        addresses: new Map(
          [...plan.services.keys()].map((name, index) => [
            name,
            { host: `127.0.1.${index % 250}`, port: 8080 },
          ]),
        ),
      };
      const configs = EXPORT_MODES.map((mode) => nginxConfig(plan, { ...options, mode }).services);
      expect(configs.map(({ size }) => size)).to.deep.equal(EXPORT_MODES.map(() => plan.services.size));
      for (const [name, servers] of configs.flatMap((services) => [...services]))
        expect(checkNginx(servers), name).to.equal('');
    });
});
