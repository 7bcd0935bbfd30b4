/**
 * Part 2: the token endpoint over HTTP, against oidc-provider's.
 *
 * Each server is one process. Its CPU is read from the system, so that what the client costs does not count; all that the
 * server does for a request is in it: HTTP, client authentication, issuing, and Waybill's line in its log. Connections are
 * kept alive. Both authenticate the client by `client_secret_basic`, and sign with ES256.
 *
 * Two workers stand beside two processes that only sign: no server gets more out of the machine than they.
 *
 * Exchanging at every hop costs a request for each token: so a tree of 16 stands beside 16 requests of oidc-provider.
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { isPacked, unpack } from 'waybill';
import { endAll, owned } from '../demo/processes.ts';
import { bundle } from '../demo/program.ts';
import { CLIENT, GRAPH, allScopes, clientOf, compiled } from './boutique.ts';
import { Load, type HttpRequest } from './load.ts';
import type { Measured, Part, PartOptions } from './part.ts';
import type { Signed } from './programs/signing.ts';
import { startServer, startWaybill, type Server } from './server.ts';
import { quotients, spreadOf } from './spread.ts';
import { takeTurns } from './turns.ts';

const TOKENS = 16;
/** The entry's scope that leads to no calls: a single token. */
const ONE_SCOPE = 'session';
const CONNECTIONS = 8;
/** How often the server's CPU is looked at. */
const LOOK_MS = 20;
/** Turns that a process is warmed up for: its compiler needs some thousand requests. */
const WARM_UP = 20;
/** Of the server with workers. */
const PROCESSES = 2;
const SIGNING = path.join(import.meta.dirname, 'programs/signing.ts');

const ONE = 'Waybill, one token';
const NESTED = `Waybill, ${TOKENS} tokens nested`;
const PACKED = `Waybill, ${TOKENS} tokens packed`;
const PROVIDER = 'oidc-provider, one token';
const WORKERS = `Waybill, ${TOKENS} tokens nested, two workers`;
/** What the machine has to give: processes that sign and do nothing else. */
const signing = (processes: number): string =>
  `${TOKENS} bare signatures, ${processes === 1 ? 'one process' : `${processes} processes`}`;

interface Side {
  readonly name: string;
  /** @param ms of the CPU of each of its processes. */
  readonly turn: (ms: number) => Promise<Turn>;
}

interface Serving {
  readonly server: Server;
  /** That share the requests. */
  readonly processes: number;
  readonly load: Load;
}

interface Turn {
  /** Microseconds of the server's CPU for a request. */
  readonly cpu: number;
  readonly perSecond: number;
}

export const endpoint: Part = {
  name: 'endpoint',
  title: 'The token endpoint over HTTP',
  async run(options) {
    try {
      const sides = await open(options);
      for (const side of sides) {
        options.tell(`warming up: ${side.name}`);
        await side.turn(WARM_UP * options.ms);
      }
      const turns = await takeTurns(sides, options, (side) => side.turn(options.ms));
      return measured(turns);
    } finally {
      await endAll();
    }
  },
};

async function serving({ server, processes, load }: Serving, ms: number): Promise<Turn> {
  await load.open(CONNECTIONS);
  const before = server.processorTime();
  let spent = 0;
  const look = (): number => (spent = server.processorTime() - before);
  const looking = setInterval(look, LOOK_MS);
  const ended = load.run(() => spent >= processes * ms * 1_000);
  const { requests, seconds } = await ended.finally(() => clearInterval(looking));
  const cpu = look() / requests;
  load.close();
  return { cpu, perSecond: requests / seconds };
}

function measured(turns: ReadonlyMap<string, readonly Turn[]>): Measured {
  const cpu = (name: string): number[] => (turns.get(name) ?? []).map((one) => one.cpu);
  const perSecond = (name: string): number[] => (turns.get(name) ?? []).map((one) => one.perSecond);
  const all = `${TOKENS} requests of oidc-provider`;
  return {
    ratios: [
      {
        name: `CPU: one token / oidc-provider`,
        target: { atMost: 0.3 },
        ...quotients(cpu(ONE), cpu(PROVIDER)),
      },
      {
        name: `CPU: ${TOKENS} tokens nested / ${all}`,
        target: { atMost: 0.13 },
        ...quotients(cpu(NESTED), cpu(PROVIDER), TOKENS),
      },
      { name: `CPU: ${TOKENS} tokens packed / ${all}`, ...quotients(cpu(PACKED), cpu(PROVIDER), TOKENS) },
      {
        name: `requests/s: ${TOKENS} tokens nested, two workers / one`,
        target: { atLeast: 1.7 },
        ...quotients(perSecond(WORKERS), perSecond(NESTED)),
      },
      {
        name: `signatures/s: two processes that only sign / one`,
        ...quotients(perSecond(signing(PROCESSES)), perSecond(signing(1))),
      },
    ],
    figures: [...turns.keys()].flatMap((name) => [
      { name, unit: 'µs' as const, ...spreadOf(cpu(name)) },
      { name, unit: 'requests/s' as const, ...spreadOf(perSecond(name)) },
    ]),
    notes: [
      `CPU of the server's process for a request, and requests in a second over ${CONNECTIONS} connections, client and server on the same machine.`,
    ],
  };
}

async function open({ folder, tell }: PartOptions): Promise<Side[]> {
  tell('starting servers');
  const secret = randomBytes(32).toString('base64url');
  const secrets = { STOREFRONT_SECRET: secret, LOADGENERATOR_SECRET: secret };
  const waybill = await startWaybill(GRAPH, { name: 'one', folder, secrets });
  const scopes = allScopes(clientOf(compiled([GRAPH]), CLIENT));
  const all = scopes.join(' ');
  const nested = { scope: all, encoding: 'nested' };
  const provider = await startProvider(folder, secret);
  const options = ['--workers', `${PROCESSES}`];
  const workers = await startWaybill(GRAPH, { name: 'workers', folder, secrets, options });
  const sides: readonly (readonly [string, Server, Readonly<Record<string, string>>, number])[] = [
    [ONE, waybill, { scope: ONE_SCOPE }, 1],
    [NESTED, waybill, nested, TOKENS],
    [PACKED, waybill, { ...nested, encoding: 'packed' }, TOKENS],
    [PROVIDER, provider, { scope: ONE_SCOPE }, 1],
    [WORKERS, workers, nested, TOKENS],
  ];
  return Promise.all([
    ...sides.map(([name, server, parameters, tokens]) =>
      sideOf(name, server, tokenRequest(server, secret, parameters), tokens),
    ),
    signers(1),
    signers(PROCESSES),
  ]);
}

/** As many signatures count as one request as a tree has tokens. */
async function signers(processes: number): Promise<Side> {
  const children = Array.from({ length: processes }, () => owned(fork(SIGNING)));
  await Promise.all(children.map((child) => once(child, 'message')));
  return {
    name: signing(processes),
    async turn(ms) {
      const answers = children.map((child) => once(child, 'message') as Promise<[Signed]>);
      for (const child of children) child.send(ms);
      const signed = (await Promise.all(answers)).map(([one]) => one);
      const perSecond =
        signed.reduce((sum, { signatures, seconds }) => sum + signatures / seconds, 0) / TOKENS;
      return { cpu: (processes * 1e6) / perSecond, perSecond };
    },
  };
}

async function startProvider(folder: string, secret: string): Promise<Server> {
  bundle([path.join(import.meta.dirname, 'programs/oidc-provider.ts')], folder);
  const program = path.join(folder, 'oidc-provider.mjs');
  const args = [program, CLIENT, secret, ONE_SCOPE, 'https://frontend.boutique.example'];
  return startServer(args, path.join(folder, 'oidc-provider.log'));
}

/** RFC 6749 section 4.4, with the client's secret as section 2.3.1 has it. */
function tokenRequest(
  { url }: Server,
  secret: string,
  parameters: Readonly<Record<string, string>>,
): HttpRequest {
  return {
    url: `${url}/token`,
    headers: {
      authorization: `Basic ${Buffer.from(`${CLIENT}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...parameters }).toString(),
  };
}

/** @throws TypeError where the answer is not what is to be measured. */
async function sideOf(name: string, server: Server, request: HttpRequest, tokens: number): Promise<Side> {
  const { url, headers, body } = request;
  const answer = await fetch(url, { method: 'POST', headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new TypeError(`${name}: answered ${answer.status}: ${text}`);
  const { access_token: token } = JSON.parse(text) as { access_token: string };
  const found = tokensIn(isPacked(token) ? unpack(token) : token);
  if (found !== tokens) throw new TypeError(`${name}: ${found} tokens came, not ${tokens}`);
  const side = { server, processes: name === WORKERS ? PROCESSES : 1, load: new Load(request) };
  return { name, turn: (ms) => serving(side, ms) };
}

/** JWT access tokens (RFC 9068), whoever issued them; 0 for anything else. */
function tokensIn(token: string): number {
  const { alg, typ } = decodeProtectedHeader(token);
  if (alg !== 'ES256' || typ !== 'at+jwt') return 0;
  const { embedded = {} } = decodeJwt<{ embedded?: Record<string, string> }>(token);
  return Object.values(embedded).reduce((sum, child) => sum + tokensIn(child), 1);
}
