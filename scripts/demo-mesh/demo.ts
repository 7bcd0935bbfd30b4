/** An order through four services in four languages, each behind a stock Envoy; then what the proxies refuse. */
import { randomBytes } from 'node:crypto';
import { testCa } from '../../test/support/keys/certificates.ts';
import { startIssuer } from '../demo/issuer.ts';
import { DemoFailed, count, paint, progress, say, table } from '../demo/terminal.ts';
import { attacksOn } from './attacks.ts';
import { findParts, type Parts } from './parts.ts';
import { freePorts } from './ports.ts';
import { GRAPH, exportConfig, startEnvoy, writeCertificates, type Place, type Places } from './proxies.ts';
import { LANGUAGES, SERVICES, startService } from './services.ts';
import { claimsOf, reportsOf, send, tokenFor, type Report, type Shop } from './shop.ts';

/** @param folder where files may be made. */
export async function demo(folder: string): Promise<void> {
  const parts = findParts();
  const shop = await openShop(parts, folder);
  showShop(shop);
  const received = await order(shop);
  await refuse(shop, received);
}

async function openShop(parts: Parts, folder: string): Promise<Shop> {
  progress('starting the issuer');
  const [issuerPort = 0, ...ports] = await freePorts(1 + SERVICES.length * 3);
  const places = Object.fromEntries(
    SERVICES.map((name, at): [string, Place] => {
      const [inbound = 0, outbound = 0, application = 0] = ports.slice(3 * at, 3 * at + 3);
      return [name, { inbound, outbound, application }];
    }),
  ) as Places;
  const secret = randomBytes(24).toString('base64url');
  const issuer = `http://127.0.0.1:${issuerPort}`;
  const secrets = { WEB_SECRET: secret, STOCK_SECRET: randomBytes(24).toString('base64url') };
  await startIssuer({
    graph: GRAPH,
    port: issuerPort,
    variables: new Map([['issuer', issuer]]),
    secrets,
    folder,
  });
  const ca = testCa('mesh of the demo');
  const identities = writeCertificates(SERVICES, ca, folder);
  progress('starting four services and four proxies');
  await Promise.all(
    SERVICES.map(async (name) => {
      const place = places[name];
      await startService(name, parts, place, folder);
      const config = exportConfig(name, places, ['--var', `issuer=${issuer}`], folder);
      await startEnvoy(parts.envoy, config, place);
    }),
  );
  progress();
  return { issuer, secret, places, ca, identities };
}

function showShop({ issuer, places }: Shop): void {
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

async function order(shop: Shop): Promise<ReadonlyMap<Report['service'], Report>> {
  say('', paint.bold('One order'), '');
  const token = await tokenFor('order', shop);
  const spoofed = { 'x-waybill-sub': 'the-boss', 'x-waybill-role': 'admin' };
  const { status, text } = await send(shop.places.orders.inbound, shop, {
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
  if (told['x-waybill-sub'] !== 'web' || told['x-waybill-scope'] !== scope || 'x-waybill-role' in told)
    throw new DemoFailed(`${report.service} was told ${JSON.stringify(told)}`);
  return [
    `  ${'  '.repeat(depth)}${caller?.service ?? 'web'} → ${paint.bold(report.service)}`,
    paint.cyan(String(scope)),
    paint.dim(act ? `presented by ${caller?.service}` : 'presented by its client'),
    `${((report.authorization?.length ?? 0) - 'Bearer '.length).toLocaleString('en')} B`,
  ];
}

async function refuse(shop: Shop, received: ReadonlyMap<Report['service'], Report>): Promise<void> {
  say('', paint.bold('What the proxies refuse, before any service hears of it'), '');
  const rows: string[][] = [];
  for (const { what, expected, attempt } of attacksOn(shop, received)) {
    const { status } = await attempt();
    if (status !== expected) throw new DemoFailed(`${what}: answered ${status}, not ${expected}.`);
    rows.push([`  ${what}`, paint.red(String(status))]);
  }
  say(...table(rows));
}
