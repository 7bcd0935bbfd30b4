/**
 * Part 3: what it costs a service to verify the token of a request and to have the one for its next call; `sides.ts` says
 * what is timed of whom.
 *
 * Cold: every token was never seen, or so long ago that no cache has it; the caches are on, and full. Cached: a hundred
 * tokens come again and again. jose and express-oauth2-jwt-bearer cache no tokens.
 *
 * A packed token stands beside the bare verification, and the peers' verification, of the JWT that it unpacks to.
 */
import { fork } from 'node:child_process';
import path from 'node:path';
import { owned } from '../../demo/processes.ts';
import type { Figure, Part, Ratio } from '../part.ts';
import type { FromExtractors, KindSamples } from '../programs/extractors.ts';
import type { Samples } from '../rounds.ts';
import { quotients, spreadOf } from '../spread.ts';
import { NAMES, cached } from './sides.ts';
import { issueTokens, writeTokens } from './tokens.ts';

const KEPT = 1_000; // the extractor's default
const PROGRAM = path.join(import.meta.dirname, '../programs/extractors.ts');

/** Ceilings of CPU against a bare verification, by kind of token. */
const COLD: Readonly<Record<string, number>> = { leaf: 1.1, 'checkout nested': 1.25, 'checkout packed': 2 };
const CACHED = 0.15;
/** Against express-oauth2-jwt-bearer: less than it. */
const AHEAD = 0.99;

/** Against a bare verification. */
const UNPACKED = 0.8;

export const extractors: Part = {
  name: 'extractor',
  title: 'Verifying, unwrapping and handing out a child',
  async run(options) {
    const { folder, rounds, ms, tell } = options;
    // A short run keeps fewer, so that it need not issue a thousand trees; more come than are kept, in either case.
    const kept = Math.min(KEPT, 4 * ms);
    const file = path.join(folder, 'tokens.json');
    const issued = await issueTokens(Math.ceil(1.1 * kept), options);
    writeTokens(file, issued);
    const samples = await measuredApart([file, kept, rounds, ms], tell);
    const named = samples.map(([name, values]): [string, Samples] => [name, new Map(values)]);
    return {
      ratios: named.flatMap(([name, values]) => ratiosOf(name, values)),
      figures: named.flatMap(([kind, values]) =>
        [...values].map(([name, one]): Figure => ({
          name: `${kind}: ${name}`,
          unit: 'µs',
          ...spreadOf(one),
        })),
      ),
      notes: [
        'CPU of one request: token verified, header of the next call made. Cold, unless cached.',
        'Peers verify the nested token where Waybill has the packed one, and hand out nothing.',
      ],
    };
  },
};

/**
 * Measures in a process that has issued nothing, as a service has not: V8 learns of objects that an issuer keeps for long
 * where to put those like them, and would put a request's there too.
 */
async function measuredApart(
  args: readonly (string | number)[],
  tell: (text: string) => void,
): Promise<readonly KindSamples[]> {
  const child = owned(fork(PROGRAM, args.map(String)));
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const one = message as FromExtractors;
      if (typeof one === 'string') tell(one);
      else resolve(one);
    });
    child.once('exit', (code) => reject(new TypeError(`measuring the extractors ended with ${code}`)));
  });
}

function ratiosOf(name: string, samples: Samples): Ratio[] {
  const { BARE, WAYBILL, EXPRESS, AUTH0, JOSE, FAST, UNPACKING } = NAMES;
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
