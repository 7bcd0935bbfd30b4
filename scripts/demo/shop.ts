/** The services of the shop, each a process: what the graph says of them, and what the call graph says they call. */
import type { Plan, ServicePlan } from 'waybill';
import type { TestCa } from '../../test/support/keys/certificates.ts';
import type { OperationCall } from './hops.ts';
import type { Program } from './program.ts';
import type { Certificate } from './programs/child.ts';
import type { Mesh } from './programs/mesh.ts';
import type { HandledOperation, SeenRequest, ServiceConfig } from './programs/service.ts';
import { DemoFailed, progress } from './terminal.ts';

/** A request that a service let in, as it reported it. */
export interface Hop extends SeenRequest {
  readonly service: string;
}

export interface Shop {
  /** By the service's name, in the order of the graph. */
  readonly ports: Readonly<Record<string, number>>;
  /** What it takes to call services as one of them, as another member of the mesh, or without a certificate. */
  mesh(certificate?: Certificate): Mesh;
  readonly certificateOf: (service: string) => Certificate;
  /** What the services let in since the last time, in the order in which it happened. */
  hops(): Promise<Hop[]>;
  /** Ends a service, as if it were down; its callers still have its address. */
  stop(service: string): Promise<void>;
}

export interface ShopOptions {
  readonly plan: Plan;
  readonly calls: readonly OperationCall[];
  readonly ca: TestCa;
  /** Of the services that authenticate to the issuer, by name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** The service behind the gateway. */
  readonly entry: string;
  /** Services that ask whether a token was revoked, and the seconds for which they believe the answer. */
  readonly asking: Readonly<Record<string, number>>;
}

export type ServiceProgram = Program<ServiceConfig, SeenRequest>;

/** Every service first takes a port, then learns where the others are. */
export async function openShop(programs: readonly ServiceProgram[], options: ShopOptions): Promise<Shop> {
  const { plan, ca } = options;
  const services = [...plan.services.values()];
  const certificates = new Map(
    services.map(({ name, identity, audience }) => [name, certificateFor(ca, identity, hostOf(audience))]),
  );
  const certificateOf = (name: string): Certificate => {
    const certificate = certificates.get(name);
    if (!certificate)
      throw new DemoFailed(`there is no ${name}; there are ${[...certificates.keys()].join(', ')}`);
    return certificate;
  };
  const ports = await findPorts(programs, certificateOf);
  const hosts = Object.fromEntries(
    services.map(({ name, audience }) => [hostOf(audience), ports[name] ?? 0]),
  );
  const mesh = (certificate?: Certificate): Mesh => ({
    ca: ca.cert,
    ports: hosts,
    ...(certificate && { certificate }),
  });
  await Promise.all(
    programs.map((program) =>
      program.configure(configOf(program.name, options, mesh(certificateOf(program.name)))),
    ),
  );
  return {
    ports,
    mesh,
    certificateOf,
    async hops() {
      const reports = programs.map(async (program) =>
        (await program.seen()).map((request) => ({ ...request, service: program.name })),
      );
      return (await Promise.all(reports)).flat().sort((one, other) => one.at - other.at);
    },
    async stop(name) {
      certificateOf(name);
      await programs.find((program) => program.name === name)?.stop();
    },
  };
}

/** @param host at which it serves; absent for one that only calls. */
export function certificateFor(ca: TestCa, identity: string, host?: string): Certificate {
  const { cert, key } = ca.issue({ uris: [identity], ...(host !== undefined && { dns: [host] }) });
  return { cert, key, ca: ca.cert };
}

export function hostOf(audience: string): string {
  return new URL(audience).hostname;
}

async function findPorts(
  programs: readonly ServiceProgram[],
  certificateOf: (name: string) => Certificate,
): Promise<Shop['ports']> {
  let found = 0;
  const entries = programs.map(async (program): Promise<[string, number]> => {
    const port = await program.listen(certificateOf(program.name));
    found += 1;
    progress(`starting services ${found}/${programs.length}`);
    return [program.name, port];
  });
  const ports = Object.fromEntries(await Promise.all(entries));
  progress();
  return ports;
}

function configOf(name: string, options: ShopOptions, mesh: Mesh): ServiceConfig {
  const { plan, calls, secrets, entry, asking } = options;
  const service = plan.services.get(name);
  if (!service) throw new DemoFailed(`the graph has no ${name}`);
  const secret = secrets.get(name);
  return {
    issuer: plan.issuer.url,
    audience: service.audience,
    operations: operationsOf(service, calls),
    audiences: Object.fromEntries([...plan.services.values()].map((one) => [one.name, one.audience])),
    mesh,
    credentials: secret === undefined ? undefined : { clientId: name, secret },
    isEntry: name === entry,
    revocationMaxAge: asking[name],
  };
}

export function operationsOf(
  { name, scopes }: ServicePlan,
  calls: readonly OperationCall[],
): HandledOperation[] {
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
