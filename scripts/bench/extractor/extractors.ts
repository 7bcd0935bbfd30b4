/**
 * Part 3: what it costs a service to verify the token of a request and to have the one for its next call; `sides.ts` says
 * what is timed of whom.
 *
 * Cold: every token was never seen, or so long ago that no cache has it; the caches are on, and full. Cached: a hundred
 * tokens come again and again. jose and express-oauth2-jwt-bearer cache no tokens.
 *
 * A packed token stands beside the bare verification, and the peers' verification, of the JWT that it unpacks to.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Figure, Part, PartOptions, Ratio } from '../part.ts';
import { inTurns, type Samples } from '../rounds.ts';
import { quotients, spreadOf } from '../spread.ts';
import {
  auth0,
  bare,
  fastJwt,
  jose,
  sideWith,
  unpacking,
  waybill,
  waybillInExpress,
  type Setting,
} from './sides.ts';
import { issueTokens, type Kind } from './tokens.ts';

const KEPT = 1_000; // the extractor's default
const HOT = 100;
/** Requests that lie ready at once: those of a nested tree take 11 KiB each. */
const MOST = 1_000;

/** Ceilings of CPU against a bare verification, by kind of token. */
const COLD: Readonly<Record<string, number>> = { leaf: 1.1, 'checkout nested': 1.25, 'checkout packed': 2 };
const CACHED = 0.15;
/** Against express-oauth2-jwt-bearer: less than it. */
const AHEAD = 0.99;

const BARE = 'bare verification';
const WAYBILL = 'Waybill';
const EXPRESS = 'Waybill in Express';
const AUTH0 = 'express-oauth2-jwt-bearer';
const JOSE = 'jose jwtVerify';
const FAST = 'fast-jwt';
const UNPACKING = 'unpacking, a child taken';
/** Against a bare verification. */
const UNPACKED = 0.8;
const cached = (name: string): string => `${name}, cached`;

export const extractors: Part = {
  name: 'extractor',
  title: 'Verifying, unwrapping and handing out a child',
  async run(options) {
    // A short run keeps fewer, so that it need not issue a thousand trees; more come than are kept, in either case.
    const kept = Math.min(KEPT, 4 * options.ms);
    const { issuer, kinds } = await issueTokens(Math.ceil(1.1 * kept), options);
    const server = createServer((_request, response) => response.end(JSON.stringify(issuer.jwks)));
    // While a side has its turn nobody notices that an idle connection was closed.
    server.keepAliveTimeout = 0;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const setting = { issuer, jwksUri: `http://127.0.0.1:${port}/jwks`, kept };
    const ratios: Ratio[] = [];
    const figures: Figure[] = [];
    try {
      for (const kind of kinds) {
        const samples = await measure(kind, setting, options);
        ratios.push(...ratiosOf(kind, samples));
        for (const [name, values] of samples)
          figures.push({ name: `${kind.name}: ${name}`, unit: 'µs', ...spreadOf(values) });
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
    return {
      ratios,
      figures,
      notes: [
        'CPU of one request: token verified, header of the next call made. Cold, unless cached.',
        'Peers verify the nested token where Waybill has the packed one, and hand out nothing.',
      ],
    };
  },
};

async function measure(kind: Kind, setting: Setting, { rounds, ms, tell }: PartOptions): Promise<Samples> {
  const all = kind.tokens;
  const hot = all.slice(0, HOT);
  const unpack = unpacking(kind);
  const sides = [
    ...(unpack ? [sideWith(UNPACKING, all, unpack, MOST)] : []),
    sideWith(BARE, all, bare(setting), MOST),
    sideWith(WAYBILL, all, waybill(setting, kind), MOST),
    sideWith(EXPRESS, all, waybillInExpress(setting, kind), MOST),
    sideWith(JOSE, all, jose(setting, kind), MOST),
    sideWith(AUTH0, all, auth0(setting, kind), MOST),
    sideWith(FAST, all, fastJwt(setting, kind, false), MOST),
    sideWith(cached(WAYBILL), hot, waybill(setting, kind), MOST),
    sideWith(cached(EXPRESS), hot, waybillInExpress(setting, kind), MOST),
    sideWith(cached(FAST), hot, fastJwt(setting, kind, setting.kept), MOST),
  ];
  return inTurns(sides, { rounds, ms, tell: (text) => tell(`${kind.name}: ${text}`) });
}

function ratiosOf({ name }: Kind, samples: Samples): Ratio[] {
  const ratio = (these: string, those: string, atMost?: number): Ratio => ({
    name: `${name}: ${these} / ${those}`,
    ...(atMost !== undefined && { target: { atMost } }),
    ...quotients(samples.get(these) ?? [], samples.get(those) ?? []),
  });
  return [
    ...(samples.has(UNPACKING) ? [ratio(UNPACKING, BARE, UNPACKED)] : []),
    ratio(WAYBILL, BARE, COLD[name]),
    ratio(cached(WAYBILL), BARE, CACHED),
    ratio(EXPRESS, AUTH0, AHEAD),
    ratio(cached(EXPRESS), AUTH0, AHEAD),
    ratio(EXPRESS, BARE),
    ratio(JOSE, BARE),
    ratio(AUTH0, BARE),
    ratio(FAST, BARE),
    ratio(cached(FAST), BARE),
  ];
}
