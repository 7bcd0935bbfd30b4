/** An endless stream of requests: other clients and scopes each time, new tokens, wrong secrets, forged tokens. */
import { randomBytes, randomInt } from 'node:crypto';
import { pino } from 'pino';
import {
  addressList,
  authenticatingParties,
  createApp,
  createIssuer,
  generateKey,
  keyRing,
  listen,
  systemClock,
  type ClientPlan,
  type Issuer,
  type Plan,
  type ServicePlan,
} from 'waybill';
import { extractor, type Extractor } from 'waybill/middleware';

export interface Stream {
  readonly counts: Readonly<Record<'issued' | 'exchanged' | 'verified' | 'refused', number>>;
  /** One request, and what follows from it. @throws TypeError where it is answered otherwise than it should be. */
  next(): Promise<void>;
  close(): Promise<void>;
}

/** Entries that have an extractor; each keeps a few tokens, so that these caches are full soon. */
const ENTRIES = 20;
const KEPT = 25;
/** One in so many is a guess at a secret, and one a forged token. */
const HOSTILE = 16;
const SCOPES = ['read', 'write', 'read write'];

interface Answer {
  readonly status: number;
  readonly token: string;
}

export async function openStream(plan: Plan): Promise<Stream> {
  const key = await generateKey(plan.issuer.signing, systemClock);
  const secrets = new Map([...authenticatingParties(plan).keys()].map((name) => [name, `secret of ${name}`]));
  const issuer: Issuer = createIssuer({ plan, keys: keyRing([key], key.alg), secrets });
  const log = pino({ level: 'silent' });
  // Guesses come from other addresses each time, through a proxy.
  const app = createApp({ issuer: () => issuer, log, forwardedFrom: addressList(['127.0.0.1']) });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const clients = [...plan.clients.values()];
  const entries = clients.slice(0, ENTRIES).map(entryOf);
  const extractors = new Map(entries.map((entry) => [entry, extractorOf(entry, server.url, plan, secrets)]));
  const counts = { issued: 0, exchanged: 0, verified: 0, refused: 0 };

  async function ask(client: string, secret: string, form: Record<string, string>): Promise<Answer> {
    const response = await fetch(`${server.url}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client}:${encodeURIComponent(secret)}`).toString('base64')}`,
        'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...form }),
    });
    const { access_token: token = '' } = (await response.json()) as { access_token?: string };
    return { status: response.status, token };
  }

  async function guess({ name }: ClientPlan): Promise<void> {
    // Half of them with the names of unknown clients.
    const client = randomInt(2) === 0 ? name : randomBytes(8).toString('hex');
    const { status } = await ask(client, 'a guess', {});
    if (status !== 401 && status !== 429) throw new TypeError(`a wrong secret was answered ${status}`);
    counts.refused += 1;
  }

  async function receive(service: ServicePlan, own: Extractor, token: string, scope: string): Promise<void> {
    const context = await own.authenticate({ authorization: `Bearer ${token}` });
    counts.verified += 1;
    for (const name of scope.split(' ')) {
      for (const mode of ['embed', 'exchange'] as const) {
        const call = service.scopes.get(name)?.calls.find((one) => one.mode === mode);
        if (!call) continue;
        await context.obtainHeaders(call.callee);
        if (mode === 'exchange') counts.exchanged += 1;
      }
    }
  }

  async function forge(own: Extractor, token: string): Promise<void> {
    const signature = randomBytes(64).toString('base64url');
    const authorization = `Bearer ${token.slice(0, token.lastIndexOf('.'))}.${signature}`;
    const outcome = await own.authenticate({ authorization }).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) throw new TypeError('a forged token was let in');
    counts.refused += 1;
  }

  return {
    counts,
    async next() {
      const client = clients[randomInt(randomInt(2) === 0 ? ENTRIES : clients.length)]!;
      if (randomInt(HOSTILE) === 0) return guess(client);
      const scope = SCOPES[randomInt(SCOPES.length)]!;
      const encoding = randomInt(2) === 0 ? 'nested' : 'packed';
      const { status, token } = await ask(client.name, `secret of ${client.name}`, { scope, encoding });
      if (status !== 200) throw new TypeError(`${client.name} was answered ${status}`);
      counts.issued += 1;
      const entry = entryOf(client);
      const own = extractors.get(entry);
      if (!own) return;
      if (randomInt(HOSTILE) === 0) await forge(own, token);
      else await receive(entry, own, token, scope);
    },
    close: () => server.close(),
  };
}

function entryOf({ name, calls: [call] }: ClientPlan): ServicePlan {
  if (!call?.service) throw new TypeError(`${name} has no entry`);
  return call.service;
}

function extractorOf(
  { name, audience }: ServicePlan,
  url: string,
  plan: Plan,
  secrets: ReadonlyMap<string, string>,
): Extractor {
  return extractor({
    issuer: plan.issuer.url,
    audience,
    caller: 'none',
    jwksUri: `${url}/jwks`,
    tokenEndpoint: `${url}/token`,
    credentials: { clientId: name, secret: secrets.get(name) ?? '' },
    cache: { tokens: KEPT, exchanged: KEPT },
  });
}
