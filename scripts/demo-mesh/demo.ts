/**
 * An order through four services in four languages, each behind a stock Envoy, and what the proxies refuse. Then the same
 * with a sidecar beside each Envoy, for what Envoy alone cannot do.
 */
import { randomBytes } from 'node:crypto';
import { testCa } from '../../test/support/keys/certificates.ts';
import { startIssuer } from '../demo/issuer.ts';
import { end } from '../demo/processes.ts';
import { DemoFailed, count, paint, progress, say, table } from '../demo/terminal.ts';
import { attacksOn } from './attacks.ts';
import { findParts, type Parts } from './parts.ts';
import { freePorts } from './ports.ts';
import {
  GRAPH,
  exportConfig,
  startEnvoy,
  startSidecar,
  writeCertificates,
  type Place,
  type Places,
} from './proxies.ts';
import { LANGUAGES, SERVICES, startService } from './services.ts';
import { claimsOf, reportsOf, revoke, send, tokenFor, type Report, type Shop } from './shop.ts';

interface Mesh extends Shop {
  readonly parts: Parts;
  readonly folder: string;
  readonly issuerPort: number;
  readonly secrets: Readonly<Record<'WEB_SECRET' | 'STOCK_SECRET', string>>;
}

/** @param folder where files may be made. */
export async function demo(folder: string): Promise<void> {
  const mesh = await openMesh(folder);
  const stop = await startProxies(mesh, {}, false);
  showMesh(mesh);
  const received = await order(mesh, 'One order');
  await refuse(mesh, received);
  progress('starting the issuer anew, and sidecars');
  await stop();
  await startProxies(mesh, { encoding: 'packed', pick: 'exchange' }, true);
  progress();
  showSidecars();
  const reports = await order(mesh, 'The same order, packed, with one call on demand');
  showPacked(received, reports);
  await refuseRevoked(mesh);
}

async function openMesh(folder: string): Promise<Mesh> {
  const parts = findParts();
  const [issuerPort = 0, ...ports] = await freePorts(1 + SERVICES.length * 4);
  const places = Object.fromEntries(
    SERVICES.map((name, at): [string, Place] => {
      const [inbound = 0, outbound = 0, application = 0, check = 0] = ports.slice(4 * at, 4 * at + 4);
      return [name, { inbound, outbound, application, check }];
    }),
  ) as Places;
  const secret = randomBytes(24).toString('base64url');
  const secrets = { WEB_SECRET: secret, STOCK_SECRET: randomBytes(24).toString('base64url') };
  const ca = testCa('mesh of the demo');
  const identities = writeCertificates(SERVICES, ca, folder);
  progress('starting four services');
  await Promise.all(SERVICES.map(async (name) => startService(name, parts, places[name], folder)));
  const issuer = `http://127.0.0.1:${issuerPort}`;
  return { issuer, secret, places, ca, identities, parts, folder, issuerPort, secrets };
}

/**
 * The issuer, and a proxy for each service.
 *
 * @param changed variables of the graph that are not as it has them.
 * @returns what ends them.
 */
async function startProxies(
  { parts, folder, issuer, issuerPort, secrets, places }: Mesh,
  changed: Readonly<Record<string, string>>,
  hasSidecar: boolean,
): Promise<() => Promise<void>> {
  progress('starting the issuer and four proxies');
  const values = Object.entries({ issuer, ...changed });
  const started = await startIssuer({
    graph: GRAPH,
    port: issuerPort,
    variables: new Map(values),
    secrets,
    folder,
  });
  const variables = values.flatMap(([name, value]) => ['--var', `${name}=${value}`]);
  const proxies = await Promise.all(
    SERVICES.map(async (name) => {
      const exported = { name, places, variables, hasSidecar, folder };
      const sidecar = hasSidecar ? await startSidecar(exportConfig('sidecar', exported), secrets) : undefined;
      const envoy = await startEnvoy(parts.envoy, exportConfig('envoy', exported), places[name]);
      return [envoy, ...(sidecar ? [sidecar] : [])];
    }),
  );
  progress();
  return async () => void (await Promise.all([started.child, ...proxies.flat()].map(end)));
}

function showMesh({ issuer, places }: Mesh): void {
  say('', paint.bold('Four services that know nothing of tokens, each behind a stock Envoy'), '');
  const rows = SERVICES.map((name) => [
    `  ${paint.bold(name)}`,
    LANGUAGES[name],
    paint.dim(`Envoy :${places[name].inbound} in, :${places[name].outbound} out`),
  ]);
  say(...table(rows));
  say(
    '',
    `  The issuer is ${issuer}. Each Envoy has what \`waybill export ${GRAPH} --to envoy --service NAME\` wrote.`,
    paint.dim('  A service calls plain names through its proxy, and passes its `authorization` header on.'),
  );
}

async function order(mesh: Mesh, title: string): Promise<ReadonlyMap<Report['service'], Report>> {
  say('', paint.bold(title), '');
  const token = await tokenFor('order', mesh);
  const spoofed = { 'x-waybill-sub': 'the-boss', 'x-waybill-role': 'admin' };
  const { status, text } = await send(mesh.places.orders.inbound, mesh, {
    path: '/orders',
    token,
    headers: spoofed,
  });
  if (status !== 200) throw new DemoFailed(`The order is answered ${status}: ${text}`);
  const reports = reportsOf(JSON.parse(text) as Report);
  const depth = new Map<Report, number>();
  const rows = reports.map(({ report, caller }) => {
    depth.set(report, caller ? (depth.get(caller) ?? 0) + 1 : 0);
    return rowOf(report, caller, depth.get(report) ?? 0);
  });
  say(...table(rows, [3]));
  const tokens = new Set(reports.map(({ report }) => report.authorization));
  if (tokens.size !== SERVICES.length) throw new DemoFailed('Two services received the same token.');
  say('', `  ${count(tokens.size, 'service')} received ${tokens.size} different tokens, each for it alone.`);
  return new Map(reports.map(({ report }) => [report.service, report]));
}

function rowOf(report: Report, caller: Report | undefined, depth: number): string[] {
  const { aud, scope, act } = claimsOf(report);
  const expected = `http://${report.service}.shop.example`;
  const from = caller === undefined ? undefined : `spiffe://shop.example/${caller.service}`;
  const told = report.headers;
  if (aud !== expected) throw new DemoFailed(`${report.service} received a token for ${String(aud)}`);
  if (act?.sub !== from) throw new DemoFailed(`${report.service} received a token that names ${act?.sub}`);
  if (told['x-waybill-sub'] !== 'web' || told['x-waybill-scope'] !== scope)
    throw new DemoFailed(`${report.service} was told ${JSON.stringify(told)}`);
  return [
    `  ${'  '.repeat(depth)}${caller?.service ?? 'web'} → ${paint.bold(report.service)}`,
    paint.cyan(String(scope)),
    paint.dim(act ? `presented by ${caller?.service}` : 'presented by its client'),
    `${bytesOf(report).toLocaleString('en')} B`,
  ];
}

function bytesOf({ authorization }: Report): number {
  return (authorization?.length ?? 0) - 'Bearer '.length;
}

async function refuse(mesh: Mesh, received: ReadonlyMap<Report['service'], Report>): Promise<void> {
  say('', paint.bold('What the proxies refuse, before any service hears of it'), '');
  const rows: string[][] = [];
  for (const { what, expected, attempt } of attacksOn(mesh, received)) {
    const { status } = await attempt();
    if (status !== expected) throw new DemoFailed(`${what}: answered ${status}, not ${expected}.`);
    rows.push([`  ${what}`, paint.red(String(status))]);
  }
  say(...table(rows));
}

function showSidecars(): void {
  say('', paint.bold('With a sidecar beside each Envoy'), '');
  say(
    '  Envoy alone reads no packed tokens, fetches none on demand and asks nobody about revocation.',
    '  `waybill sidecar` does; its configuration is what `waybill export --to sidecar` wrote.',
  );
}

/** What the sidecars did: a packed tree, and a token that no tree had in it. */
function showPacked(
  nested: ReadonlyMap<Report['service'], Report>,
  packed: ReadonlyMap<Report['service'], Report>,
): void {
  const [before, after, stock] = [nested.get('orders'), packed.get('orders'), packed.get('stock')];
  if (!before || !after || !stock) throw new DemoFailed('A service did not report.');
  if (!after.authorization?.startsWith('Bearer wb1~'))
    throw new DemoFailed('The tree did not travel packed.');
  const claims = claimsOf(stock);
  if (claims['embedded'] !== undefined || claims['on_demand'] === undefined)
    throw new DemoFailed('The token for the warehouse was not left out of the tree.');
  say(
    `  The tree of orders took ${bytesOf(after)} bytes in place of ${bytesOf(before).toLocaleString('en')}. The token for the warehouse was not in it: the`,
    "  sidecar of stock fetched it at the issuer, with stock's own credentials.",
  );
}

/** Stock asks the issuer, the others take a token until it ends. */
async function refuseRevoked(mesh: Mesh): Promise<void> {
  say('', paint.bold('A token that its client took back'), '');
  const token = await tokenFor('order', mesh);
  await revoke(token, mesh);
  const { status, text } = await send(mesh.places.orders.inbound, mesh, { path: '/orders', token });
  if (status !== 200) throw new DemoFailed(`The order is answered ${status}: ${text}`);
  const { calls } = JSON.parse(text) as Report;
  const answers = new Map(calls.map((call) => [new URL(call.url).hostname.split('.')[0], call.status]));
  if (answers.get('stock') !== 401)
    throw new DemoFailed(`Stock answered ${answers.get('stock')} to a revoked token, not 401.`);
  say(
    `  ${'orders → stock'.padEnd(20)}${paint.red('401')}`,
    '  The sidecar of stock asked the issuer (RFC 7662).',
  );
}
