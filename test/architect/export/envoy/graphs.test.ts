/** Every graph of the project as configuration of Envoy: Envoy accepts it, and what is lost is noted. */
import { expect } from 'chai';

import { envoyConfig } from '../../../../src/architect/export/index.ts';
import { HEAD, client, planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, validateConfig } from '../../../support/envoy.ts';
import { removeScratch, scratchFile } from '../../../support/files.ts';
import { LOOPBACK, testCa } from '../../../support/keys/certificates.ts';
import { projectGraphs } from '../../../support/graphs/project.ts';

describe(`graphs as configuration of Envoy${needsEnvoy}`, function () {
  this.timeout(120_000);
  before(function () {
    if (!hasEnvoy) this.skip();
  });
  after(removeScratch);

  it('a path of a hundred letters inside a wider one', async () => {
    const text = `${HEAD}${client('{ shop: [see, best] }')}services:
  shop:
    caller: none
    scopes:
      see: { operations: ['GET /articles/{id}'] }
      best: { operations: ['GET /articles/${'best-of-all'.repeat(9)}'] }
`;
    const { services } = envoyConfig(planOf(text));
    const said = await validateConfig(services.get('shop')!);
    expect(said.replace(/^configuration .* OK$/m, '').trim()).to.equal('');
  });

  for (const { title, plan } of projectGraphs) {
    it(title, async () => {
      const ca = testCa();
      const { cert, key } = ca.issue(LOOPBACK);
      const authorities = scratchFile('ca.crt', ca.cert);
      const options = {
        tls: { certificate: scratchFile('tls.crt', cert), key: scratchFile('tls.key', key), authorities },
        systemAuthorities: authorities,
        gateways: ['spiffe://gateway'],
      };
      for (const sidecar of [undefined, { host: '127.0.0.1', port: 9191 }]) {
        const { services } = envoyConfig(plan(), { ...options, sidecar });
        expect(services.size).to.be.greaterThan(0);
        for (const [name, bootstrap] of services) {
          const said = await validateConfig(bootstrap);
          expect(said.replace(/^configuration .* OK$/m, '').trim(), name).to.equal('');
        }
      }
    });
  }
});
