/** The shop's services and issuers, each a process; the services know all strategies at once. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Plan } from 'waybill';
import { expectedHops, readCalls } from '../../demo/hops.ts';
import { Program, bundle } from '../../demo/program.ts';
import { operationsOf } from '../../demo/shop.ts';
import { CLIENT, ENTRY, compiled } from '../boutique.ts';
import type { PartOptions } from '../part.ts';
import { processorTime } from '../processor-time.ts';
import type { ServiceConfig, StrategyConfig } from '../programs/service.ts';
import { startWaybill, type Server } from '../server.ts';
import {
  SCOPE,
  STRATEGIES,
  secretVariable,
  writeGraphs,
  type GraphName,
  type Strategy,
} from './strategies.ts';

export const ORDER = 'POST /cart/checkout';

export interface World {
  readonly issuers: Readonly<Record<GraphName, Server>>;
  /** The client's. */
  readonly secret: string;
  /** Where the entry listens. */
  readonly entry: string;
  /** Calls of an order, the client's among them. */
  readonly calls: number;
  /** Microseconds of CPU of all services and issuers so far. */
  processorTime(): number;
}

type Service = Program<ServiceConfig, never>;

/** Every issuer and service has the same secret; none leaves this machine. */
export async function openWorld({ folder, tell }: PartOptions): Promise<World> {
  const graphs = writeGraphs(folder);
  const plans = { exchange: compiled([graphs.exchange]), forward: compiled([graphs.forward]) };
  const calls = readCalls();
  const hops = expectedHops(calls, CLIENT, { service: ENTRY, operation: ORDER });
  const names = [...new Set(hops.map(({ service }) => service))];
  const secret = randomBytes(32).toString('base64url');
  const environment = Object.fromEntries(
    [CLIENT, 'loadgenerator', ...names].map((name) => [secretVariable(name), secret]),
  );
  tell('starting issuers and services');
  bundle([path.join(import.meta.dirname, '../programs/service.ts')], folder);
  const services = names.map((name): Service => new Program(name, folder, 'service'));
  const start = (name: GraphName): Promise<Server> =>
    startWaybill(graphs[name], { name, folder, secrets: environment });
  const [forward, exchange, embed] = await Promise.all([start('forward'), start('exchange'), start('embed')]);
  const issuers = { forward, exchange, embed };
  const addresses = await addressesOf(services);
  for (const service of services) {
    const plan = plans.exchange.services.get(service.name);
    if (!plan) throw new TypeError(`the graph has no ${service.name}`);
    await service.configure({
      operations: operationsOf(plan, calls),
      addresses,
      strategies: STRATEGIES.map((strategy) => settingOf(service.name, strategy, { plans, issuers, secret })),
    });
  }
  return {
    issuers,
    secret,
    entry: addresses[ENTRY] ?? '',
    calls: hops.length,
    processorTime: () =>
      processorTime(services.map(({ pid }) => pid)) +
      Object.values(issuers).reduce((sum, issuer) => sum + issuer.processorTime(), 0),
  };
}

async function addressesOf(services: readonly Service[]): Promise<Record<string, string>> {
  const entries = services.map(async (service): Promise<[string, string]> => [
    service.name,
    `http://127.0.0.1:${await service.listen('http')}`,
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

interface Known {
  readonly plans: Readonly<Record<'exchange' | 'forward', Plan>>;
  readonly issuers: World['issuers'];
  readonly secret: string;
}

function settingOf(name: string, strategy: Strategy, { plans, issuers, secret }: Known): StrategyConfig {
  const { graph, isForwarded } = strategy;
  const own = plans.exchange.services.get(name);
  const [shared] = plans.forward.services.values();
  const fetches = graph === 'exchange' && own?.auth !== undefined;
  return {
    name: strategy.name,
    issuer: plans.exchange.issuer.url,
    issuerAddress: issuers[graph].url,
    audience: (isForwarded ? shared : own)?.audience ?? '',
    credentials: fetches ? { clientId: name, secret } : undefined,
    forwarded: isForwarded ? SCOPE : undefined,
  };
}
