/** A real Envoy before each service, with the configuration that `waybill export` writes for it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Identity, TestCa } from '../../test/support/keys/certificates.ts';
import { ROOT, WAYBILL, owned } from '../demo/processes.ts';
import { DemoFailed } from '../demo/terminal.ts';
import type { ServiceName, ServicePorts } from './services.ts';

export const GRAPH = 'scripts/demo-mesh/shop.yaml';
const PATIENCE_MS = 20_000;

export interface Place extends ServicePorts {
  /** Where the service's proxy takes calls for it. */
  readonly inbound: number;
  /** Where its sidecar, if there is one, is asked. */
  readonly check: number;
}

export type Places = Readonly<Record<ServiceName, Place>>;

export interface Exported {
  readonly name: ServiceName;
  readonly places: Places;
  /** `--var name=value` for each variable of the graph. */
  readonly variables: readonly string[];
  /** Whether a sidecar stands beside Envoy and decides. */
  readonly hasSidecar: boolean;
  readonly folder: string;
}

/** @returns the file that `waybill export` wrote. */
export function exportConfig(
  target: 'envoy' | 'sidecar',
  { name, places, variables, hasSidecar, folder }: Exported,
): string {
  const { inbound, outbound, application, check } = places[name];
  const addresses = Object.entries(places).map(([callee, place]) => `${callee}=127.0.0.1:${place.inbound}`);
  const tls = (file: string): string => path.join(folder, file);
  const options = [
    ...['--to', target, '--service', name],
    ...(hasSidecar ? ['--sidecar', `127.0.0.1:${check}`] : []),
    ...['--inbound', `127.0.0.1:${inbound}`],
    ...['--outbound', `127.0.0.1:${outbound}`],
    ...['--application', `127.0.0.1:${application}`],
    ...addresses.flatMap((address) => ['--address', address]),
    ...['--tls-cert', tls(`${name}.crt`), '--tls-key', tls(`${name}.key`), '--tls-ca', tls('ca.crt')],
    ...variables,
  ];
  const text = execFileSync(process.execPath, [WAYBILL, 'export', GRAPH, ...options], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const file = path.join(folder, `${name}.${target}.yaml`);
  writeFileSync(file, text);
  return file;
}

/** The certificate that each proxy shows for its service. */
export function writeCertificates(
  names: readonly ServiceName[],
  ca: TestCa,
  folder: string,
): ReadonlyMap<ServiceName, Identity> {
  writeFileSync(path.join(folder, 'ca.crt'), ca.cert);
  return new Map(
    names.map((name) => {
      const identity = ca.issue({
        commonName: name,
        uris: [`spiffe://shop.example/${name}`],
        dns: [`${name}.shop.example`],
      });
      writeFileSync(path.join(folder, `${name}.crt`), identity.chain);
      writeFileSync(path.join(folder, `${name}.key`), identity.key, { mode: 0o600 });
      return [name, identity];
    }),
  );
}

export async function startEnvoy(envoy: string, config: string, { inbound }: Place): Promise<ChildProcess> {
  const options = ['-c', config, '--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'error'];
  const child = owned(spawn(envoy, options, { stdio: ['ignore', 'ignore', 'pipe'] }));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const end = performance.now() + PATIENCE_MS;
  while (!(await accepts(inbound))) {
    if (child.exitCode !== null || performance.now() > end)
      throw new DemoFailed(`Envoy does not listen with ${config}:\n${errors}`);
    await pause(50);
  }
  return child;
}

/** @param secrets environment variables that hold what services authenticate with. */
export async function startSidecar(
  config: string,
  secrets: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const child = owned(
    spawn(process.execPath, [WAYBILL, 'sidecar', config], {
      cwd: ROOT,
      env: { ...process.env, ...secrets },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith('check on ')) return child;
  throw new DemoFailed(`The sidecar ended with ${config}:\n${errors}`);
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
