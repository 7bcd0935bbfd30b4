/** A sidecar behind a real nginx, which asks it with `auth_request`. */
import { expect } from 'chai';

import { CERTIFICATE_HEADER, nginxConfig, type NginxOptions } from '../../../src/architect/export/index.ts';
import { HEAD, client, planOf } from '../../support/compile.ts';
import { hasNginx, needsNginx, startNginxServers, type NginxServer } from '../../support/nginx.ts';
import { describeProxy } from './behaviour.ts';
import type { ProxyKind } from './mesh.ts';
import { describeReporting } from './reporting.ts';

const running: NginxServer[] = [];

const nginx: ProxyKind = {
  certificateHeader: CERTIFICATE_HEADER,
  async start({ plan, service, ...deployment }) {
    const servers = nginxConfig(plan, { only: [service], ...deployment }).services.get(service)!;
    const { inbound, outbound } = deployment;
    const ports = servers.includes('default_server') ? [inbound.port, outbound.port] : [inbound.port];
    running.push(await startNginxServers(servers, ports));
  },
};
const end = () => Promise.all(running.splice(0).map((server) => server.stop()));

describe('export to nginx in report mode', () => {
  const plan = planOf(`${HEAD}${client('{ shop: [buy] }')}services:
  shop: { audience: 'https://shop.example', scopes: { buy: { operations: [POST /buy], calls: { stock: [take], pay: [charge] } } } }
  stock: { audience: 'http://api.example/stock', scopes: { take: } }
  pay: { audience: 'http://api.example/pay', scopes: { charge: } }
`);
  const serversFor = (options: NginxOptions) =>
    nginxConfig(plan, { only: ['shop'], ...options }).services.get('shop')!;
  const below = (port: number) => ({ host: '127.0.0.1', port });

  it('asks for certificates, and takes requests without one', () => {
    expect(serversFor({})).to.include('ssl_verify_client on;');
    expect(serversFor({ mode: 'report' })).to.include('ssl_verify_client optional;');
  });

  it('sends a path of no callee to the one address that the host has, and else refuses it', () => {
    const one = new Map([
      ['stock', below(1)],
      ['pay', below(1)],
    ]);
    const two = new Map([...one, ['pay', below(2)]]);
    const refusals = (options: NginxOptions) => serversFor(options).split('return 403;').length - 1;
    // The other is that of hosts which lead to no callee.
    expect(refusals({ mode: 'report', addresses: one })).to.equal(1);
    expect(refusals({ mode: 'report', addresses: two })).to.equal(2);
    expect(refusals({ addresses: one })).to.equal(2);
  });

  it('is said at the top of the file, and as notes', () => {
    const { notes } = nginxConfig(plan, { mode: 'report' });
    expect(notes.filter(({ code }) => code === 'report-mode')).to.have.length(3);
    expect(serversFor({ mode: 'report' }).split('\n')[1]).to.match(
      /^# report-mode: Report mode: nothing is refused/,
    );
    expect(serversFor({})).not.to.include('report-mode');
  });
});

describeProxy(`a shop behind nginx and sidecars${needsNginx}`, !hasNginx, nginx, end);
describeReporting(`a shop behind nginx and sidecars in report mode${needsNginx}`, !hasNginx, nginx, end);
