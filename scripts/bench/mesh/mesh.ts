/**
 * Part 6: CPU of a request to a service and of the call that it leads to, with Envoy before and behind the service, with a
 * sidecar beside it, or with the extractor in it; `places.ts` says what stands where.
 *
 * Counted are the proxy and the sidecar, or the service in Express; neither the client nor what is behind the proxy. A
 * hundred tokens come again and again, as those of sessions do, over connections that are kept alive.
 */
import { endAll } from '../../demo/processes.ts';
import { Load } from '../load.ts';
import type { Figure, Part, Ratio } from '../part.ts';
import { quotients, spreadOf } from '../spread.ts';
import { takeTurns } from '../turns.ts';
import { SESSIONS, SIZES, openShop, type Shop } from './shop.ts';
import {
  ALONE,
  EXPORTED,
  EXPRESS,
  EXTRACTOR,
  SIDECAR_NAMES,
  openPieces,
  openPlaces,
  type Place,
} from './places.ts';
import { probe, requestsTo } from './requests.ts';
import { startUpstream } from './upstream.ts';

const CONNECTIONS = 8;
/** In each direction, for a millisecond of a turn: Envoy alone takes about 50 µs for one. */
const REQUESTS_PER_MS = 10;
/** Turns: the compiler of a sidecar needs some thousand requests. */
const WARM_UP = 2;
/** Of Envoy as exported against Envoy alone. */
const CEILING = 1.15;

interface Side {
  readonly name: string;
  readonly place: Place;
  /** One for each direction. */
  readonly loads: readonly Load[];
}

/** Microseconds of CPU for one request, in each direction. */
type Turn = readonly number[];

type Turns = ReadonlyMap<string, readonly Turn[]>;

export const mesh: Part = {
  name: 'mesh',
  title: 'A request and its call, through Envoy or in Express',
  async run(options) {
    const upstream = await startUpstream();
    try {
      const shop = await openShop(upstream.url, options);
      upstream.issuer = shop.issuer;
      const open = options.pieces ? openPieces : openPlaces;
      const { places, missing } = await open({ shop, upstream }, options);
      const requests = Math.max(CONNECTIONS, REQUESTS_PER_MS * options.ms);
      const sides: Side[] = [];
      for (const size of SIZES) {
        for (const place of places) {
          const tokens = shop.tokens.get(size) ?? [];
          await probe(place, upstream, tokens[0] ?? '');
          sides.push({ name: sideName(place.name, size), place, loads: loadsFor(place, tokens) });
        }
      }
      for (const side of sides) {
        options.tell(`warming up: ${side.name}`);
        // Each token once at least, so that every cache has it.
        await turn(side, Math.max(WARM_UP * requests, SESSIONS));
      }
      const turns = await takeTurns(sides, options, (side) => turn(side, requests));
      return {
        ratios: SIZES.flatMap((size) =>
          options.pieces ? ratiosOfPieces(size, places, turns) : ratiosOf(size, turns),
        ),
        figures: sides.map(({ name }): Figure => ({ name, unit: 'µs', ...spreadOf(sums(turns, name)) })),
        notes: notesOn(shop, requests),
        skipped: missing,
      };
    } finally {
      await endAll();
      upstream.close();
    }
  },
};

function sideName(place: string, size: string): string {
  return `${place}: ${size}`;
}

function loadsFor(place: Place, tokens: readonly string[]): Load[] {
  const byToken = tokens.map((token) => requestsTo(place, token));
  return place.urls.map((_, direction) => {
    const [first, ...others] = byToken.map((requests) => requests[direction]!);
    return new Load(first!, ...others);
  });
}

/** The same number of requests in each direction, one direction after the other. */
async function turn({ place, loads }: Side, requests: number): Promise<Turn> {
  const costs: number[] = [];
  for (const load of loads) {
    await load.open(CONNECTIONS);
    const before = place.processorTime();
    let answered = 0;
    // Each connection has one under way when it is asked to end.
    await load.run(() => (answered += 1) > requests - CONNECTIONS);
    costs.push((place.processorTime() - before) / requests);
    load.close();
  }
  return costs;
}

function sums(turns: Turns, name: string): number[] {
  return (turns.get(name) ?? []).map((costs) => costs.reduce((sum, cost) => sum + cost, 0));
}

function ratiosOf(size: string, turns: Turns): Ratio[] {
  const ratio = (these: string, those: string, atMost?: number): Ratio[] => {
    const [own, other] = [sideName(these, size), sideName(those, size)];
    if (!turns.has(own)) return [];
    return [
      {
        name: `${size}: ${these} / ${those}`,
        ...(atMost !== undefined && { target: { atMost } }),
        ...quotients(sums(turns, own), sums(turns, other)),
      },
    ];
  };
  const oneWay = (direction: number, says: string): Ratio[] => {
    const costs = (place: string): number[] =>
      (turns.get(sideName(place, size)) ?? []).map((one) => one[direction] ?? Number.NaN);
    if (costs(EXPORTED).length === 0) return [];
    const name = `${size}, ${says}: ${EXPORTED} / ${ALONE}`;
    return [{ name, ...quotients(costs(EXPORTED), costs(ALONE)) }];
  };
  return [
    ...ratio(EXPORTED, ALONE, CEILING),
    ...oneWay(0, 'the request'),
    ...oneWay(1, 'the call'),
    ...SIDECAR_NAMES.flatMap((name) => ratio(name, ALONE)),
    ...ratio(EXTRACTOR, EXPRESS),
  ];
}

/** Both directions, then each of them. */
function ratiosOfPieces(size: string, places: readonly Place[], turns: Turns): Ratio[] {
  const costs = (place: string, cost: (turn: Turn) => number): number[] =>
    (turns.get(sideName(place, size)) ?? []).map(cost);
  const ways: readonly (readonly [string, (turn: Turn) => number])[] = [
    [size, ([request = Number.NaN, call = Number.NaN]) => request + call],
    [`${size}, the request`, ([request = Number.NaN]) => request],
    [`${size}, the call`, ([, call = Number.NaN]) => call],
  ];
  return ways.flatMap(([says, cost]) =>
    places
      .filter(({ name }) => name !== ALONE)
      .map(({ name }) => ({
        name: `${says}: ${name} / ${ALONE}`,
        ...quotients(costs(name, cost), costs(ALONE, cost)),
      })),
  );
}

function notesOn({ tokens }: Shop, requests: number): string[] {
  const bytes = SIZES.map((size) => tokens.get(size)?.[0]?.length.toLocaleString('en'));
  return [
    `CPU of a request and of the call that it leads to, of proxy and sidecar or of the service: ${requests.toLocaleString('en')} of each in a turn, over ${CONNECTIONS} connections.`,
    `${SESSIONS} tokens of ${bytes.join(' and as many of ')} bytes come again and again.`,
  ];
}
