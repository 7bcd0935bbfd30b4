/** What the demo prints of what went well. */
import type { CallView } from 'waybill';
import { plannedTokens, presenterOf, tailoredClaims, tokensIn, type Journey } from './journey.ts';
import { GRAPH } from './processes.ts';
import { shortName } from './programs/operations.ts';
import type { LoggedIn } from './session.ts';
import { count, paint, say, table } from './terminal.ts';
import { CLIENT, ENTRY, GATEWAY, type World } from './world.ts';

export function heading(title: string): void {
  say('', paint.bold(title), '');
}

export function showWorld({ urls, shop }: World): void {
  const services = Object.entries(shop.ports);
  heading(`${count(services.length + 4, 'process', 'processes')} on this machine`);
  const rows = [
    [urls.login, 'login', 'an OpenID Connect provider (oidc-provider), where users have their accounts'],
    [urls.issuer, 'issuer', `waybill serve ${GRAPH}, behind a counter of requests`],
    [urls.storefront, CLIENT, "the shop's pages: logs users in, exchanges their ID tokens"],
    [urls.gateway, GATEWAY, 'gateway() of waybill/middleware, before the frontend'],
  ];
  say(
    ...table(rows.map(([url = '', name = '', what = '']) => [`  ${paint.bold(name)}`, url, paint.dim(what)])),
  );
  const listed = services.map(([name, port]) => `${name} :${port}`);
  say(
    `  ${paint.bold('services')}    with extractor() and mutual TLS; each checks who calls it`,
    ...inLines(listed, 4).map((line) => `              ${paint.dim(line)}`),
  );
}

function inLines(words: readonly string[], perLine: number): string[] {
  return words.length === 0
    ? []
    : [words.slice(0, perLine).join('  '), ...inLines(words.slice(perLine), perLine)];
}

export function showLogin({ visits, login, token, lifetime }: LoggedIn, { urls }: World): void {
  heading('Alice logs in');
  const names = new Map(Object.entries(urls).map(([name, url]) => [new URL(url).origin, name]));
  const rows = visits.map(({ method, url, status }) => {
    const { origin, pathname } = new URL(url);
    const page = pathname.replace(/(?<=^\/(interaction|auth)\/).+/, '…');
    const note = status === 401 ? paint.dim('a wrong password') : '';
    return [`  browser → ${paint.bold(names.get(origin) ?? '')}`, `${method} ${page}`, String(status), note];
  });
  const { email } = login.claims;
  say(
    ...table(rows),
    '',
    `  ${CLIENT} gets her ID token (${login.idTokenBytes} B, ${String(email)}) and exchanges it at the issuer (RFC 8693).`,
    `  The browser gets ${paint.bold(`${token.length} bytes that say nothing`)}, good for ${lifetime} s.`,
  );
}

/** Each line below the one that led to it, in the order in which they happened. */
export function showJourneys(title: string, journeys: readonly Journey[], world: World): void {
  heading(title);
  const planned = plannedTokens(world);
  const rows = journeys.flatMap((journey) => rowsOf(journey, planned, world));
  say(...table(rows, [2, 3]));
}

function rowsOf(journey: Journey, planned: ReadonlyMap<string, CallView>, world: World): string[][] {
  const { edge, hops, asked } = journey;
  const depths = new Map([[GATEWAY, 0]]);
  const under = (name: string): string => '  '.repeat((depths.get(name) ?? 0) + 2);
  const events = [
    ...hops.map((hop) => ({ at: hop.at, row: () => hopRow(hop) })),
    ...asked.map((question) => ({ at: question.at, row: () => questionRow(question) })),
  ].sort((one, other) => one.at - other.at);
  const hopRow = (hop: Journey['hops'][number]): string[] => {
    const caller = presenterOf(hop, world);
    depths.set(hop.service, (depths.get(caller) ?? 0) + 1);
    const claims = Object.keys(tailoredClaims(hop)).join(' ');
    return [
      `${under(caller)}${caller} → ${paint.bold(hop.service)}  ${shortName(hop.operation)}`,
      `${paint.cyan(String(hop.claims['scope']))}${claims === '' ? '' : paint.magenta(` {${claims}}`)}`,
      bytes(hop.lineBytes),
      share(hop.token.length, planned.get(`${caller} ${hop.service}`)),
    ];
  };
  const questionRow = ({ by, line }: Journey['asked'][number]): string[] => [
    `${under(by)}${by} → ${paint.bold('issuer')}  ${line}`,
    paint.yellow(PURPOSES[`${by} ${line}`] ?? ''),
    '',
    '',
  ];
  return [
    [
      `  browser → ${paint.bold(GATEWAY)}  ${edge.operation}`,
      paint.cyan('opaque'),
      bytes(edge.lineBytes),
      '',
    ],
    ...events.map(({ row }) => row()),
  ];
}

const PURPOSES: Readonly<Record<string, string>> = {
  [`${GATEWAY} POST /introspect`]: 'swaps it for the token',
  [`${ENTRY} POST /token`]: 'on demand: fetches the next one',
  'paymentservice POST /introspect': 'asks whether it was revoked',
};

function bytes(number: number): string {
  return `${number.toLocaleString('en')} B`;
}

function share(tokenBytes: number, view: CallView | undefined): string {
  const limit = view?.budget?.limit;
  return limit ? `${Math.max(1, Math.round((100 * tokenBytes) / limit))} %` : '';
}

export function showSummary(journeys: readonly Journey[], { issuer }: World): void {
  const hops = journeys.flatMap((journey) => journey.hops);
  const asked = journeys.flatMap((journey) => journey.asked).length;
  say(
    '',
    `  ${count(hops.length, 'hop')} with ${count(tokensIn(hops), 'token')}, and ${count(asked, 'request')} to the issuer; ${issuer.others()} more were for its metadata and keys.`,
    '  Each token had the scopes and claims (in braces) that the graph plans for that callee of that caller.',
    paint.dim(
      '  The caller is the name in the certificate of the connection. Bytes are of the Authorization line;',
    ),
    paint.dim("  the percentage is the token's share of its header budget, where its hop has one."),
  );
}
