/** Random graphs behind one real Envoy, which has listeners for every service of all of them. */
import { request } from 'node:http';
import path from 'node:path';

import { envoyConfig, type EnvoyParts } from '../../../../src/architect/export/index.ts';
import { planOf } from '../../../support/compile.ts';
import { startEnvoy } from '../../../support/envoy.ts';
import { scratchFolder } from '../../../support/files.ts';
import { listen } from '../../../support/http.ts';
import { randomGraph, type Random } from '../random/random-graph.ts';
import type { ExportedService } from '../random/grants.ts';

export interface MeshService extends ExportedService {
  /** Sockets of its listeners. */
  readonly inbound: string;
  readonly outbound: string;
}

export interface Mesh {
  readonly services: readonly MeshService[];
}

/** What arrived behind Envoy, as the service would see it. */
export interface Arrived {
  readonly url: string;
  readonly headers: Readonly<Record<string, string[] | undefined>>;
}

/** A service that says what arrived. @returns its port. */
export async function startEcho(): Promise<number> {
  const echo = await listen(
    ({ url = '', headersDistinct }, response) => {
      // An answer to HEAD has no body.
      const arrived = JSON.stringify({ url, headers: headersDistinct } satisfies Arrived);
      response.setHeader('arrived', Buffer.from(arrived).toString('base64url')).end();
    },
    { maxHeaderSize: 512 * 1024 },
  );
  return Number(new URL(echo).port);
}

export async function startMesh(random: Random, graphs: number, issuer: string): Promise<Mesh> {
  const address = { host: '127.0.0.1', port: await startEcho() };
  const folder = scratchFolder();
  const services: MeshService[] = [];
  const listeners: object[] = [];
  const clusters = new Map<unknown, object>();
  for (let number = 0; number < graphs; number++) {
    const plan = planOf(randomGraph(random, number, issuer));
    const addresses = new Map([...plan.services.keys()].map((name) => [name, address]));
    const exported = envoyConfig(plan, { application: address, addresses });
    for (const [name, { static_resources: parts }] of exported.services) {
      const sockets = socketsFor(folder, services.length);
      listeners.push(...listenersAt(parts, sockets));
      // All clusters lead to one server in plain HTTP; that TLS is right is another test's affair.
      for (const { transport_socket: _, ...cluster } of parts.clusters)
        clusters.set(cluster['name'], cluster);
      services.push({ plan, name, notes: exported.notes, ...sockets });
    }
  }
  const static_resources = { listeners, clusters: [...clusters.values()] };
  await startEnvoy(
    { static_resources },
    services.flatMap(({ inbound }) => inbound),
  );
  return { services };
}

interface Sockets {
  readonly inbound: string;
  readonly outbound: string;
}

export function socketsFor(folder: string, index: number): Sockets {
  return { inbound: path.join(folder, `in-${index}`), outbound: path.join(folder, `out-${index}`) };
}

export function listenersAt(
  { listeners }: Pick<EnvoyParts, 'listeners'>,
  { inbound, outbound }: Sockets,
): object[] {
  return listeners.map((listener, at) => {
    const socket = at === 0 ? inbound : outbound;
    const filter_chains = (listener['filter_chains'] as object[]).map((chain) => ({
      ...chain,
      transport_socket: undefined,
    }));
    return { ...listener, name: socket, address: { pipe: { path: socket } }, filter_chains };
  });
}

export interface Answer {
  readonly status: number;
  /** Undefined where Envoy answered itself. */
  readonly arrived: Arrived | undefined;
}

/** @param listener path of a socket, or port of loopback. */
export async function ask(
  listener: string | number,
  {
    method,
    url,
    headers,
  }: { method: string; url: string; headers: Readonly<Record<string, string | string[]>> },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const target =
      typeof listener === 'string' ? { socketPath: listener } : { host: '127.0.0.1', port: listener };
    const sent = request({ ...target, method, path: url, headers, agent: false }, (response) => {
      const { arrived } = response.headers as { readonly arrived?: string };
      const json = arrived && Buffer.from(arrived, 'base64url').toString();
      response.resume().on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          arrived: json ? (JSON.parse(json) as Arrived) : undefined,
        }),
      );
    });
    sent.on('error', reject).end();
  });
}
