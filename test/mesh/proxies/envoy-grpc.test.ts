/** A sidecar behind a real Envoy, which asks it over gRPC. */
import { envoyConfig } from '../../../src/architect/export/index.ts';
import { serveGrpcChecks } from '../../../src/mesh/index.ts';
import { hasEnvoy, needsEnvoy, startBeside, stopEnvoys } from '../../support/envoy.ts';
import { describeProxy } from './behaviour.ts';
import type { ProxyKind } from './mesh.ts';
import { describeReporting } from './reporting.ts';

const envoy: ProxyKind = {
  async serve(sidecar, port) {
    const options = { host: '127.0.0.1', port, maxMessageBytes: 128 * 1024 };
    const checks = await serveGrpcChecks(sidecar, options);
    return () => checks.stop();
  },
  async start({ plan, service, sidecar, ...deployment }) {
    const options = { only: [service], ...deployment, sidecar: { ...sidecar, over: 'grpc' } } as const;
    const config = envoyConfig(plan, options).services.get(service)!;
    await startBeside(config, { inbound: deployment.inbound.port, outbound: deployment.outbound.port });
  },
};
const title = `a shop behind Envoy and sidecars, over gRPC${needsEnvoy}`;

describeProxy(title, !hasEnvoy, envoy, stopEnvoys);
describeReporting(`${title}, in report mode`, !hasEnvoy, envoy, stopEnvoys);
