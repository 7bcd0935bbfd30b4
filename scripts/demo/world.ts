/** Everything that runs: who is started in which order, and who learns what of whom. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { authenticatingParties, compileGraph, type Plan } from 'waybill';
import { testCa } from '../../test/support/keys/certificates.ts';
import { openCounter, type Counter } from './counter.ts';
import { readCalls, type OperationCall } from './hops.ts';
import { startIssuer } from './issuer.ts';
import { GRAPH, ROOT } from './processes.ts';
import { Program, bundlePrograms } from './program.ts';
import type { Certificate } from './programs/child.ts';
import type { EdgeRequest, GatewayConfig } from './programs/gateway.ts';
import type { LoginConfig } from './programs/login.ts';
import type { SeenLogin, StorefrontConfig } from './programs/storefront.ts';
import { certificateFor, hostOf, openShop, type ServiceProgram, type Shop } from './shop.ts';
import { DemoFailed, progress } from './terminal.ts';

export const CLIENT = 'storefront';
export const GATEWAY = 'gateway';
export const ENTRY = 'frontend';
/** What a user may do with one token of the shop. */
export const SCOPES = ['product', 'checkout'];
/** Seconds for which the gateway keeps a token that it swapped, and the payment service an answer of the issuer. */
export const ANSWER_SECONDS = 2;

/** The users, with what the provider says of them. */
export const PEOPLE = {
  alice: { email: 'alice@example.org', name: 'Alice' },
  bob: { email: 'bob@example.org', name: 'Bob' },
};
export type User = keyof typeof PEOPLE;

export interface World {
  readonly plan: Plan;
  readonly calls: readonly OperationCall[];
  readonly issuer: Counter;
  readonly urls: Readonly<Record<'login' | 'issuer' | 'storefront' | 'gateway', string>>;
  readonly storefront: Program<StorefrontConfig, SeenLogin>;
  readonly gateway: Program<GatewayConfig, EdgeRequest>;
  readonly shop: Shop;
  /** The gateway's, which an nginx before the frontend has too. */
  readonly certificate: Certificate;
  readonly passwords: Readonly<Record<User, string>>;
  /** Of clients and services that authenticate to the issuer, by name. */
  readonly secrets: ReadonlyMap<string, string>;
}

interface Programs {
  readonly login: Program<LoginConfig, never>;
  readonly storefront: World['storefront'];
  readonly gateway: World['gateway'];
  readonly services: readonly ServiceProgram[];
}

/** @param folder where files may be made. */
export async function openWorld(folder: string): Promise<World> {
  progress('starting');
  const programs = startPrograms(folder, [...compile(new Map()).services.keys()]);
  const issuer = await openCounter();
  const [login, storefront, gateway] = await Promise.all(
    [programs.login, programs.storefront, programs.gateway].map(
      async (program) => `http://127.0.0.1:${await program.listen('http')}`,
    ),
  );
  const urls = {
    login: login ?? '',
    issuer: issuer.url,
    storefront: storefront ?? '',
    gateway: gateway ?? '',
  };
  const variables = new Map([
    ['issuer', urls.issuer],
    ['login', urls.login],
  ]);
  const plan = compile(variables);
  const { secrets, environment } = newSecrets(plan);
  const parts = { plan, calls: readCalls(), ca: testCa('mesh of the demo'), secrets };
  const [started, shop] = await Promise.all([
    startIssuer({ graph: GRAPH, variables, secrets: environment, folder }),
    openShop(programs.services, { ...parts, entry: ENTRY, asking: { paymentservice: ANSWER_SECONDS } }),
  ]);
  issuer.passTo(started.url);
  const passwords = { alice: newSecret(), bob: newSecret() };
  const certificate = certificateFor(parts.ca, gatewayIdentity(plan));
  const world = { ...parts, issuer, urls, shop, certificate, passwords, ...programs };
  await configureEdge(world, programs.login);
  return world;
}

function compile(variables: ReadonlyMap<string, string>): Plan {
  const { plan, findings } = compileGraph([path.join(ROOT, GRAPH)], { variables: new Map(variables) });
  if (plan) return plan;
  throw new DemoFailed(`the graph has errors: ${findings.map(({ message }) => message).join('; ')}`);
}

/** All at once: most of their time is spent in starting. */
function startPrograms(folder: string, services: readonly string[]): Programs {
  bundlePrograms(folder);
  return {
    login: new Program('login', folder, 'login'),
    storefront: new Program(CLIENT, folder, 'storefront'),
    gateway: new Program(GATEWAY, folder, 'gateway'),
    services: services.map((name) => new Program(name, folder, 'service')),
  };
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** One for each party of the graph, under the variable that its `auth` names. */
function newSecrets(plan: Plan): { secrets: Map<string, string>; environment: Record<string, string> } {
  const secrets = new Map<string, string>();
  const environment: Record<string, string> = {};
  for (const { name, auth } of authenticatingParties(plan).values()) {
    if (!('secret' in auth) || !('env' in auth.secret)) throw new DemoFailed(`${name} has no secret_env`);
    const secret = newSecret();
    secrets.set(name, secret);
    environment[auth.secret.env] = secret;
  }
  return { secrets, environment };
}

/** The gateway is a client, which has no identity in the graph: its certificate is of the same trust domain. */
function gatewayIdentity({ services }: Plan): string {
  const identity = services.get(ENTRY)?.identity ?? '';
  return identity.slice(0, identity.lastIndexOf('/') + 1) + GATEWAY;
}

async function configureEdge(world: World, login: Programs['login']): Promise<void> {
  const { urls, secrets, passwords, storefront } = world;
  const application = { id: CLIENT, secret: newSecret(), callback: `${urls.storefront}/callback` };
  await login.configure({ url: urls.login, application, people: PEOPLE, passwords });
  await storefront.configure({
    url: urls.storefront,
    login: { url: urls.login, secret: application.secret },
    issuer: { url: urls.issuer, secret: secrets.get(CLIENT) ?? '' },
    scope: SCOPES.join(' '),
  });
  await configureGateway(world, {});
}

export interface Route {
  /** Where the frontend is reached. Default: at its own port. */
  readonly port?: number;
  readonly encoding?: GatewayConfig['encoding'];
}

/** Also while it runs: it forgets what it had. */
export async function configureGateway(
  { plan, urls, secrets, shop, certificate, gateway }: World,
  { port, encoding }: Route,
): Promise<void> {
  const audience = plan.services.get(ENTRY)?.audience ?? '';
  const mesh = shop.mesh(certificate);
  await gateway.configure({
    issuer: urls.issuer,
    credentials: { clientId: GATEWAY, secret: secrets.get(GATEWAY) ?? '' },
    audience,
    mesh: port === undefined ? mesh : { ...mesh, ports: { ...mesh.ports, [hostOf(audience)]: port } },
    encoding,
    swapMaxAge: ANSWER_SECONDS,
  });
}
