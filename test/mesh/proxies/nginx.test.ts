/** A sidecar behind a real nginx, which asks it with `auth_request`. */
import { CERTIFICATE_HEADER, nginxConfig } from '../../../src/architect/export/index.ts';
import { hasNginx, needsNginx, startNginxServers, type NginxServer } from '../../support/nginx.ts';
import { describeProxy } from './behaviour.ts';

const running: NginxServer[] = [];

describeProxy(
  `a shop behind nginx and sidecars${needsNginx}`,
  !hasNginx,
  {
    certificateHeader: CERTIFICATE_HEADER,
    async start({ plan, service, ...deployment }) {
      const servers = nginxConfig(plan, { only: [service], ...deployment }).services.get(service)!;
      const { inbound, outbound } = deployment;
      const ports = servers.includes('default_server') ? [inbound.port, outbound.port] : [inbound.port];
      running.push(await startNginxServers(servers, ports));
    },
  },
  () => Promise.all(running.map((server) => server.stop())),
);
