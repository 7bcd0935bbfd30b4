/**
 * What a request and the call that it leads to go through.
 *
 * - Envoy alone: a proxy before the service and one behind it, with no filter but the router.
 * - Envoy as exported: the configuration of `waybill export --to envoy`, which verifies twice and swaps the token of the call.
 * - Envoy and a sidecar: the proxy of the first, which asks `waybill sidecar` by `ext_authz` in both directions.
 * - Express, alone and with the extractor: the service itself; the call's header is made in the same process.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { envoyConfig } from '../../../dist/architect/export/index.js';
import { WAYBILL } from '../../demo/processes.ts';
import { bundle } from '../../demo/program.ts';
import type { PartOptions } from '../part.ts';
import type { OrdersConfig } from '../programs/orders.ts';
import { startServer, type Server } from '../server.ts';
import { hasEnvoy, startEnvoy, type Bootstrap } from './envoy.ts';
import { piecesOf } from './pieces.ts';
import { ANY_PORT, OVER_GRPC, OVER_HTTP, addressOf, proxy, type Question } from './proxy.ts';
import { CALLEE, CALLEE_HOST, MAX_TOKEN, OPERATIONS, PATH, SERVICE, type Shop } from './shop.ts';
import type { Upstream } from './upstream.ts';

export const ALONE = 'Envoy alone';
export const EXPORTED = 'Envoy as exported';
export const EXPRESS = 'Express alone';
export const EXTRACTOR = 'Express with the extractor';

/** Sidecars by the way in which Envoy asks them. */
const SIDECARS: Readonly<Record<string, Question>> = {
  'Envoy and a sidecar over HTTP': OVER_HTTP,
  'Envoy and a sidecar over gRPC': OVER_GRPC,
};

export const SIDECAR_NAMES = Object.keys(SIDECARS);

export interface Place {
  readonly name: string;
  /** Where a request goes, and where the call that it leads to; of Express alone the first. */
  readonly urls: readonly string[];
  /** Whether it verifies tokens. */
  readonly checks: boolean;
  /** Whether a call goes out with the callee's token. */
  readonly swaps: boolean;
  /** Whether something stands behind it that sees what arrives. */
  readonly isProxy: boolean;
  /** Microseconds of CPU so far: of the proxy and what it asks, or of the service. */
  processorTime(): number;
}

export interface Places {
  readonly places: readonly Place[];
  /** What is not there, and why. */
  readonly missing: readonly string[];
}

interface Known {
  readonly shop: Shop;
  readonly upstream: Upstream;
}

/** Envoy alone, and the exported configuration piece by piece. */
export async function openPieces(known: Known, { folder, tell }: PartOptions): Promise<Places> {
  if (!hasEnvoy()) throw new TypeError('Envoy is neither on the PATH nor named by WAYBILL_ENVOY');
  tell('starting proxies');
  const whole = exported(known);
  const places = [await openEnvoy(ALONE, proxy(addressOf(known.upstream.url)), folder, false)];
  for (const { name, bootstrap, swaps } of piecesOf(whole))
    places.push({ ...(await openEnvoy(name, bootstrap, folder, true)), swaps });
  return { places: [...places, await openEnvoy(EXPORTED, whole, folder, true)], missing: [] };
}

export async function openPlaces(known: Known, { folder, tell }: PartOptions): Promise<Places> {
  tell('starting proxies and services');
  const express = await openExpress(known, folder);
  if (!hasEnvoy())
    return {
      places: express,
      missing: ['all with Envoy, which is neither on the PATH nor named by WAYBILL_ENVOY.'],
    };
  const upstream = addressOf(known.upstream.url);
  const places = [
    await openEnvoy(ALONE, proxy(upstream), folder, false),
    await openEnvoy(EXPORTED, exported(known), folder, true),
  ];
  for (const [name, question] of Object.entries(SIDECARS))
    places.push(await openSidecar(name, question, known, folder));
  return { places: [...places, ...express], missing: [] };
}

async function openEnvoy(
  name: string,
  bootstrap: Bootstrap,
  folder: string,
  checks: boolean,
  sidecar?: Server,
): Promise<Place> {
  const envoy = await startEnvoy(name.replaceAll(' ', '-'), bootstrap, folder);
  return {
    name,
    urls: envoy.ports.map((port) => `http://127.0.0.1:${port}${PATH}`),
    checks,
    swaps: checks,
    isProxy: true,
    processorTime: () => envoy.processorTime() + (sidecar?.processorTime() ?? 0),
  };
}

function exported({ shop, upstream }: Known): Bootstrap {
  const address = addressOf(upstream.url);
  const { services } = envoyConfig(shop.plan, {
    only: [SERVICE],
    inbound: ANY_PORT,
    outbound: ANY_PORT,
    application: address,
    addresses: new Map([[CALLEE, address]]),
    issuerAddress: address,
  });
  const bootstrap = services.get(SERVICE);
  if (!bootstrap) throw new TypeError(`the export has no ${SERVICE}`);
  return bootstrap;
}

async function openSidecar(name: string, question: Question, known: Known, folder: string): Promise<Place> {
  const files = path.join(folder, name.replaceAll(' ', '-'));
  const file = `${files}.sidecar.json`;
  writeFileSync(
    file,
    JSON.stringify({
      ...verifying(known),
      jwks_uri: `${known.upstream.url}/jwks`,
      [question.port]: '127.0.0.1:0',
      operations: OPERATIONS,
      callees: { [CALLEE_HOST]: CALLEE },
      max_header_bytes: 2 * MAX_TOKEN,
    }),
  );
  const sidecar = await startServer([WAYBILL, 'sidecar', file], `${files}.sidecar.log`);
  const bootstrap = proxy(addressOf(known.upstream.url), { ...question, url: sidecar.url });
  return openEnvoy(name, bootstrap, folder, true, sidecar);
}

async function openExpress(known: Known, folder: string): Promise<Place[]> {
  bundle([path.join(import.meta.dirname, '../programs/orders.ts')], folder);
  const config: OrdersConfig = {
    options: { ...verifying(known), jwksUri: `${known.upstream.url}/jwks` },
    path: PATH,
    scope: 'order',
    callee: CALLEE,
    maxHeaderSize: 2 * MAX_TOKEN,
  };
  const args = [path.join(folder, 'orders.mjs'), JSON.stringify(config)];
  const server = await startServer(args, path.join(folder, 'orders.log'));
  const place = (name: string, below: string, checks: boolean): Place => ({
    name,
    urls: [`${server.url}/${below}${PATH}`],
    checks,
    swaps: checks,
    isProxy: false,
    processorTime: () => server.processorTime(),
  });
  return [place(EXPRESS, 'plain', false), place(EXTRACTOR, 'waybill', true)];
}

function verifying({ shop }: Known) {
  return {
    issuer: shop.plan.issuer.url,
    audience: shop.plan.services.get(SERVICE)?.audience ?? '',
    caller: 'none' as const,
    budget: { inbound: MAX_TOKEN, outbound: MAX_TOKEN },
  };
}
