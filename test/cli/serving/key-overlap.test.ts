import path from 'node:path';

import { expect } from 'chai';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
  type JSONWebKeySet,
} from 'jose';

import { PUBLICATION_LEAD, RETENTION, readKeyFile } from '../../../src/issuer/keys/index.ts';
import { extractor } from '../../../src/middleware/index.ts';
import { moveClock, type MovedClock } from '../../support/clock/moved-clock.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { basic, send } from '../../support/http.ts';
import { serve, stopServing, type Served } from '../../support/program.ts';

const ISSUER = 'http://127.0.0.1:8080';
const AUDIENCE = 'https://orders.example';
/** Tokens live for as long as the language allows. */
const GRAPH = `waybill: 1
name: shop
issuer: { url: '${ISSUER}', lifetime: 24h }
defaults: { headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    default_scopes: [read]
    calls: { orders: [read] }
services:
  orders: { audience: '${AUDIENCE}', scopes: { read: {} } }
`;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const STEP = 25 * MINUTE;
const EVERY = 7 * HOUR;

async function token({ url }: Served): Promise<string> {
  const { status, text, body } = await send(`${url}/token`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic('web', 'web secret'),
    },
    body: 'grant_type=client_credentials',
  });
  expect(status, text).to.equal(200);
  return body['access_token'] as string;
}

async function keysOf({ url }: Served): Promise<JSONWebKeySet> {
  return JSON.parse((await send(`${url}/jwks`)).text) as JSONWebKeySet;
}

const kidOf = (compact: string) => decodeProtectedHeader(compact).kid ?? '';

/** What throws where the token does not verify. */
type Verifier = (compact: string) => Promise<unknown>;

function joseVerifier({ url }: Served, clock: MovedClock): Verifier {
  const remote = createRemoteJWKSet(new URL(`${url}/jwks`));
  return (compact) =>
    jwtVerify(compact, remote, {
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: new Date(clock.now() * 1000),
    });
}

function extractorVerifier({ url }: Served): Verifier {
  const waybill = extractor({
    issuer: ISSUER,
    audience: AUDIENCE,
    caller: 'none',
    jwksUri: `${url}/jwks`,
    cache: { tokens: 0 },
  });
  return (compact) => waybill.authenticate({ authorization: `Bearer ${compact}`, scope: 'read' });
}

/** Keeps a key set for two hours, whatever it meets, as an API gateway of a large provider does. */
function stubbornVerifier(served: Served, clock: MovedClock): Verifier {
  let keys: JSONWebKeySet | undefined;
  let fetched = 0;
  return async (compact) => {
    if (keys === undefined || clock.now() - fetched >= 2 * HOUR) {
      keys = await keysOf(served);
      fetched = clock.now();
    }
    await jwtVerify(compact, createLocalJWKSet(keys), { currentDate: new Date(clock.now() * 1000) });
  };
}

describe('Keys that rotate on schedule, in two processes with one key file', () => {
  let clock: MovedClock;
  before(() => {
    clock = moveClock();
  });
  after(async () => {
    await stopServing();
    clock.restore();
    removeScratch();
  });

  /** The oldest and the youngest living token of each key. */
  function sample(tokens: readonly string[]): Set<string> {
    const youngest = new Map(tokens.map((compact) => [kidOf(compact), compact]));
    const oldest = new Map([...tokens].reverse().map((compact) => [kidOf(compact), compact]));
    return new Set([...youngest.values(), ...oldest.values()]);
  }

  it('no verifier ever refuses a token, while keys go from next to active to retired to removed', async () => {
    const folder = scratchFolder();
    const keys = path.join(folder, 'keys.json');
    const args = [scratchFile('shop.yaml', GRAPH, folder), '--port', '0', '--keys', keys, '--no-watch'];
    const env = { ...clock.env, WEB_SECRET: 'web secret' };
    const processes = [
      await serve([...args, '--rotate-keys', '7h'], { env }),
      await serve([...args, '--rotate-keys', '7h'], { env }),
    ] as const;
    const verifiers = processes.flatMap((served) => [
      joseVerifier(served, clock),
      extractorVerifier(served),
      stubbornVerifier(served, clock),
    ]);
    const firstKey = kidOf(await token(processes[0]));
    const signed = new Set<string>();
    let live: string[] = [];

    const end = clock.now() + EVERY + RETENTION + 2 * STEP;
    for (let step = 0; clock.now() < end; step += 1) {
      clock.move(STEP);
      // One looks at once; the other when its turn comes, or in the second that it waits.
      const served = processes[step % 2] as Served;
      served.child.kill('SIGHUP');
      await served.logged('reloaded');
      for (const one of processes) {
        const fresh = await token(one);
        signed.add(kidOf(fresh));
        live.push(fresh);
        expect((await keysOf(one)).keys.map(({ kid }) => kid)).to.include(kidOf(fresh));
      }
      live = live.filter((compact) => clock.now() < (decodeJwt(compact).exp ?? 0));
      for (const compact of sample(live)) await Promise.all(verifiers.map((verify) => verify(compact)));
    }

    const rotations = processes.flatMap((served) =>
      served.logLines().filter(({ msg }) => msg === 'keys rotated'),
    );
    expect(signed.size).to.be.at.least(4);
    expect(rotations).to.have.lengthOf(signed.size - 1);
    expect(new Set(rotations.flatMap((line) => line['signs'] as string[])).size).to.equal(rotations.length);
    for (const served of processes) {
      expect((await keysOf(served)).keys.map(({ kid }) => kid)).to.not.include(firstKey);
      const complaints = served.logLines().filter(({ level, msg }) => level >= 40 && !/port/.test(msg));
      expect(complaints).to.deep.equal([]);
    }
    for (const { activated, created, status } of readKeyFile(keys) ?? [])
      if (status === 'active') expect((activated ?? 0) - created).to.be.at.least(PUBLICATION_LEAD);
  }).timeout(120_000);
});
