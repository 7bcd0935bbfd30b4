/** A sidecar behind a real Envoy, which asks it over HTTP. */
import { envoyConfig } from '../../../src/architect/export/index.ts';
import { hasEnvoy, needsEnvoy, startEnvoy, stopEnvoys } from '../../support/envoy.ts';
import { describeProxy } from './behaviour.ts';

describeProxy(
  `a shop behind Envoy and sidecars${needsEnvoy}`,
  !hasEnvoy,
  {
    async start({ plan, service, ...deployment }) {
      const config = envoyConfig(plan, { only: [service], ...deployment }).services.get(service)!;
      const { inbound, outbound } = deployment;
      const both = config.static_resources.listeners.length === 2;
      await startEnvoy(config, both ? [inbound.port, outbound.port] : [inbound.port]);
    },
  },
  stopEnvoys,
);
