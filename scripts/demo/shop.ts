/** The services of the shop, each a process: what the graph says of them, and what the call graph says they call. */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Plan, ServicePlan } from 'waybill';
import type { OperationCall } from './hops.ts';
import { ROOT, ask, end, owned } from './processes.ts';
import type { HandledOperation, Question, SeenRequest } from './service.ts';
import { progress } from './terminal.ts';

/** A request that a service let in, as it reported it. */
export interface Hop extends SeenRequest {
  readonly service: string;
}

export interface Shop {
  /** By the service's name, in the order of the graph. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What the services let in since the last time, in the order in which it happened. */
  hops(): Promise<Hop[]>;
  /** Ends a service, as if it were down; its callers still have its address. */
  stop(service: string): Promise<void>;
}

interface Running {
  readonly service: ServicePlan;
  readonly process: ChildProcess;
}

/** Every service first takes a port, then learns where the others are. */
export async function openShop(plan: Plan, calls: readonly OperationCall[]): Promise<Shop> {
  const all = [...plan.services.values()].map((service): Running => ({ service, process: startProcess() }));
  const addresses = await findAddresses(all);
  for (const running of all) {
    const { audience } = running.service;
    const operations = operationsOf(running.service, calls);
    await put(running, { configure: { issuer: plan.issuer.url, audience, operations, addresses } });
  }
  const up = new Set(all);
  return {
    addresses,
    async hops() {
      const reports = [...up].map(async (running) => {
        const seen = (await put(running, 'seen')) as SeenRequest[];
        return seen.map((request) => ({ ...request, service: running.service.name }));
      });
      return (await Promise.all(reports)).flat().sort((one, other) => one.at - other.at);
    },
    async stop(name) {
      for (const running of [...up].filter(({ service }) => service.name === name)) {
        up.delete(running);
        await end(running.process);
      }
    },
  };
}

function put({ service, process }: Running, question: Question): Promise<unknown> {
  return ask(process, service.name, question);
}

async function findAddresses(all: readonly Running[]): Promise<Shop['addresses']> {
  let found = 0;
  const show = (): void => progress(`starting services ${found}/${all.length}`);
  show();
  const entries = all.map(async (running): Promise<[string, string]> => {
    const address = (await put(running, 'address')) as string;
    found += 1;
    show();
    return [running.service.name, address];
  });
  const addresses = Object.fromEntries(await Promise.all(entries));
  progress();
  return addresses;
}

function startProcess(): ChildProcess {
  return owned(
    fork(path.join(import.meta.dirname, 'service.ts'), {
      cwd: ROOT,
      execArgv: ['--import', import.meta.resolve('tsx')],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
}

function operationsOf({ name, scopes }: ServicePlan, calls: readonly OperationCall[]): HandledOperation[] {
  return [...scopes.values()].flatMap((scope) =>
    scope.operations.map((operation) => ({
      operation,
      scope: scope.name,
      calls: calls
        .filter((call) => call.from === name && call.fromOperation === operation)
        .map((call) => ({ service: call.to, operation: call.toOperation })),
    })),
  );
}
