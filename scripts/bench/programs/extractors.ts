/**
 * Measures the extractors, and nothing else, in a process of its own: node extractors.ts FILE KEPT ROUNDS MS, where the
 * file is by `writeTokens`. Tells its parent what it does, and at the end what it measured.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PartOptions } from '../part.ts';
import { inTurns, type Samples } from '../rounds.ts';
import {
  NAMES,
  auth0,
  bare,
  cached,
  fastJwt,
  jose,
  sideWith,
  unpacking,
  waybill,
  waybillInExpress,
  type Setting,
} from '../extractor/sides.ts';
import { readTokens, type Kind } from '../extractor/tokens.ts';

/** Of one kind of token, by the name of the side. */
export type KindSamples = readonly [kind: string, samples: readonly (readonly [string, readonly number[]])[]];

/** A line of progress, or all that was measured. */
export type FromExtractors = string | readonly KindSamples[];

const HOT = 100;
/** Prepared requests in a run of the usual length: those of a nested tree take 11 KiB each. */
const READY = 1_000;

async function measure(
  kind: Kind,
  setting: Setting,
  { rounds, ms, tell }: Pick<PartOptions, 'rounds' | 'ms' | 'tell'>,
): Promise<Samples> {
  const { BARE, WAYBILL, EXPRESS, AUTH0, JOSE, FAST, UNPACKING } = NAMES;
  const all = kind.tokens;
  const hot = all.slice(0, HOT);
  const unpack = unpacking(kind);
  // A short run has fewer. How fast the machine is makes no difference.
  const ready = Math.min(READY, 4 * ms);
  const sides = [
    ...(unpack ? [sideWith(UNPACKING, all, unpack, ready)] : []),
    sideWith(BARE, all, bare(setting), ready),
    sideWith(WAYBILL, all, waybill(setting, kind), ready),
    sideWith(EXPRESS, all, waybillInExpress(setting, kind), ready),
    sideWith(JOSE, all, jose(setting, kind), ready),
    sideWith(AUTH0, all, auth0(setting, kind), ready),
    sideWith(FAST, all, fastJwt(setting, kind, false), ready),
    sideWith(cached(WAYBILL), hot, waybill(setting, kind), ready),
    sideWith(cached(EXPRESS), hot, waybillInExpress(setting, kind), ready),
    sideWith(cached(FAST), hot, fastJwt(setting, kind, setting.kept), ready),
  ];
  return inTurns(sides, { rounds, ms, tell: (text) => tell(`${kind.name}: ${text}`) });
}

function send(message: FromExtractors): void {
  process.send?.(message);
}

const [file = '', ...numbers] = process.argv.slice(2);
const [kept = 0, rounds = 0, ms = 0] = numbers.map(Number);
const { issuer, kinds } = readTokens(file);
const server = createServer((_request, response) => response.end(JSON.stringify(issuer.jwks)));
// While a side has its turn nobody notices that an idle connection was closed.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const setting = { issuer, jwksUri: `http://127.0.0.1:${port}/jwks`, kept };
const measured: KindSamples[] = [];
for (const kind of kinds) {
  measured.push([kind.name, [...(await measure(kind, setting, { rounds, ms, tell: send }))]]);
}
send(measured);
server.closeAllConnections();
server.close();
process.disconnect();
