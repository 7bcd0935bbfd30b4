/** A sidecar behind a real Envoy, which asks it over HTTP. */
import { expect } from 'chai';

import { envoyConfig } from '../../../src/architect/export/index.ts';
import { eventually } from '../../support/clock/eventually.ts';
import { hasEnvoy, needsEnvoy, startBeside, stopEnvoys, type Envoy } from '../../support/envoy.ts';
import { removeScratch } from '../../support/files.ts';
import { closeServers } from '../../support/http.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { sendThrough } from '../../architect/export/proxied-shop.ts';
import { describeProxy } from './behaviour.ts';
import { startShop, type ProxyKind, type Shop } from './mesh.ts';
import { describeReporting } from './reporting.ts';

const envoy: ProxyKind = {
  async start({ plan, service, ...deployment }) {
    const config = envoyConfig(plan, { only: [service], ...deployment }).services.get(service)!;
    await startBeside(config, { inbound: deployment.inbound.port, outbound: deployment.outbound.port });
  },
};

/** What Envoy itself would refuse, and what it writes of it. */
describe(`Envoy beside a sidecar in report mode${needsEnvoy}`, function () {
  this.timeout(60_000);
  let shop: Shop | undefined;
  const envoys: Envoy[] = [];
  before(async function () {
    if (!hasEnvoy) this.skip();
    const kept: ProxyKind = {
      async start({ plan, service, inbound, outbound, ...deployment }) {
        const options = { only: [service], inbound, outbound, ...deployment };
        const config = envoyConfig(plan, options).services.get(service)!;
        envoys.push(await startBeside(config, { inbound: inbound.port, outbound: outbound.port }));
      },
    };
    shop = await startShop(kept, ['shop']);
  });
  after(async () => {
    shop?.stop();
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });
  const lineWith = async (text: string): Promise<object> => {
    const find = () =>
      envoys[0]!
        .output()
        .split('\n')
        .find((line) => line.includes(text));
    await eventually(10, () => find() !== undefined);
    return JSON.parse(find()!) as object;
  };

  it('threat 120: lets plain HTTP pass where enforcement asks for TLS, says so, and names nobody', async () => {
    const { inboundPort, seen } = shop!;
    const headers = { authorization: `Bearer ${await shop!.root('browse')}`, 'x-waybill-sub': 'admin' };
    const peer = 'x-forwarded-client-cert';
    const named = { ...headers, [peer]: 'URI=spiffe://shop.example/gateway' };
    const { status } = await sendThrough(inboundPort('shop'), 'http://127.0.0.1/items/plain', {
      headers: named,
    });
    expect(status).to.equal(200);
    expect(
      seen.flatMap((one) => Object.keys(one.headers).filter((name) => /waybill|cert/.test(name))),
    ).to.deep.equal([]);
    expect(await lineWith('/items/plain')).to.include({
      decision: 'reported',
      at: 'service',
      reason: 'no TLS',
    });
    expect(shop!.decisions.at(-1)).to.include({ code: 'token_presenter', reported: true });
  });

  it('refuses a host that is no callee, and says so', async () => {
    const { status } = await shop!.callOut('shop', 'http://elsewhere.example/x');
    expect(status).to.equal(403);
    expect(await lineWith('elsewhere.example')).to.include({
      ...{ decision: 'refused', at: 'call', callee: 'elsewhere.example', reason: 'no callee' },
    });
  });
});

describeProxy(`a shop behind Envoy and sidecars${needsEnvoy}`, !hasEnvoy, envoy, stopEnvoys);
describeReporting(
  `a shop behind Envoy and sidecars in report mode${needsEnvoy}`,
  !hasEnvoy,
  envoy,
  stopEnvoys,
);
