/** A sidecar behind a real Envoy, which asks it over gRPC. */
import { envoyConfig } from '../../../src/architect/export/index.ts';
import { serveGrpcChecks } from '../../../src/mesh/index.ts';
import { hasEnvoy, needsEnvoy, startEnvoy, stopEnvoys } from '../../support/envoy.ts';
import { describeProxy } from './behaviour.ts';

describeProxy(
  `a shop behind Envoy and sidecars, over gRPC${needsEnvoy}`,
  !hasEnvoy,
  {
    async serve(sidecar, port) {
      const options = { host: '127.0.0.1', port, maxMessageBytes: 128 * 1024 };
      const checks = await serveGrpcChecks(sidecar, options);
      return () => checks.stop();
    },
    async start({ plan, service, sidecar, ...deployment }) {
      const options = { only: [service], ...deployment, sidecar: { ...sidecar, over: 'grpc' } } as const;
      const config = envoyConfig(plan, options).services.get(service)!;
      const { inbound, outbound } = deployment;
      const both = config.static_resources.listeners.length === 2;
      await startEnvoy(config, both ? [inbound.port, outbound.port] : [inbound.port]);
    },
  },
  stopEnvoys,
);
