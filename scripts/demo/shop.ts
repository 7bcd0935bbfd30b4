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

/** Every service first takes a port, then learns where the others are. */
export async function openShop(plan: Plan, calls: readonly OperationCall[]): Promise<Shop> {
  const services = [...plan.services.values()];
  const processes = new Map(services.map(({ name }) => [name, startProcess()]));
  const addresses = await findAddresses(processes);
  for (const service of services) {
    const { name, audience } = service;
    const operations = operationsOf(service, calls);
    const configure = { issuer: plan.issuer.url, audience, operations, addresses };
    await ask(processes.get(name), name, { configure } satisfies Question);
  }
  return {
    addresses,
    async hops() {
      const reports = [...processes].map(async ([service, process]) => {
        const seen = (await ask(process, service, 'seen' satisfies Question)) as SeenRequest[];
        return seen.map((request) => ({ ...request, service }));
      });
      return (await Promise.all(reports)).flat().sort((one, other) => one.at - other.at);
    },
    async stop(service) {
      const process = processes.get(service);
      processes.delete(service);
      if (process) await end(process);
    },
  };
}

async function findAddresses(processes: ReadonlyMap<string, ChildProcess>): Promise<Shop['addresses']> {
  let found = 0;
  const show = (): void => progress(`starting services ${found}/${processes.size}`);
  show();
  const entries = [...processes].map(async ([name, process]): Promise<[string, string]> => {
    const address = (await ask(process, name, 'address' satisfies Question)) as string;
    found += 1;
    show();
    return [name, address];
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
