/** One service behind a real Envoy with the exported configuration. It and its callees are one server that says what arrived. */
import { envoyConfig, type EnvoyOptions } from '../../../../src/architect/export/index.ts';
import type { Plan } from '../../../../src/graph/index.ts';
import { startBeside, type Envoy } from '../../../support/envoy.ts';
import { freePort } from '../../../support/http.ts';
import { ask, startEcho, type Answer } from './random-mesh.ts';

type Headers = Readonly<Record<string, string | string[]>>;

export interface ProxiedService {
  readonly envoy: Envoy;
  /** A request to the service. */
  readonly request: (operation: string, headers: Headers) => Promise<Answer>;
  /** A call of the service. @param host under which it knows the callee. */
  readonly call: (host: string, headers: Headers) => Promise<Answer>;
}

export const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

/** @param options beside addresses, which are those of the server but for some that are given. */
export async function startService(
  plan: Plan,
  name: string,
  { addresses = new Map(), ...options }: EnvoyOptions = {},
): Promise<ProxiedService> {
  const local = (port: number) => ({ host: '127.0.0.1', port });
  const application = local(await startEcho());
  const { inbound = local(await freePort()), outbound = local(await freePort()) } = options;
  const callees = [...plan.services.keys()].filter((callee) => callee !== name);
  const { services } = envoyConfig(plan, {
    only: [name],
    ...{ inbound, outbound, application },
    addresses: new Map([...callees.map((callee) => [callee, application] as const), ...addresses]),
    ...options,
  });
  const ports = { inbound: inbound.port, outbound: outbound.port };
  const envoy = await startBeside(services.get(name)!, ports);
  return {
    envoy,
    request(operation, headers) {
      const [method = '', url = ''] = operation.split(' ');
      return ask(inbound.port, { method, url, headers: { host: name, ...headers } });
    },
    call: (host, headers) =>
      ask(outbound.port, { method: 'GET', url: '/a/../b//c', headers: { host, ...headers } }),
  };
}
