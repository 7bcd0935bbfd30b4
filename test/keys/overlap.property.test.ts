import path from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import {
  KeyKeeper,
  PUBLICATION_LEAD,
  RETENTION,
  changeKeyFile,
  rotate,
  writeKeyFile,
  type KeyRecord,
} from '../../src/keys/index.ts';
import { openHeld, sealHeld } from '../../src/token/index.ts';
import { isWaybillError } from '../../src/errors.ts';
import { removeScratch, scratchFolder } from '../support/scratch.ts';

const START = 1_800_000_000;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** As late as a process may take up a file: it is published that much later, and signs with the old key for so long. */
const LATE = 50 * MINUTE;

/** Processes that share a key file, and verifiers that keep a key set for as long as any is known to. */
const situation = fc.record({
  every: fc.integer({ min: 3, max: 40 }).map((hours) => hours * HOUR),
  step: fc.integer({ min: 10, max: 25 }).map((minutes) => minutes * MINUTE),
  caches: fc.array(fc.integer({ min: 1, max: PUBLICATION_LEAD - LATE - MINUTE }), {
    minLength: 3,
    maxLength: 3,
  }),
  /** Which process looks at the file in a step, and from which one a verifier fetches. */
  turns: fc.infiniteStream(fc.nat(2)),
  /** Someone tries to rotate by hand all the time: what comes too early is refused. */
  byHand: fc.boolean(),
});

interface Token {
  readonly kid: string;
  readonly exp: number;
  readonly held: string;
}

function onlyTooEarly(error: unknown): void {
  expect(isWaybillError(error, 'keys_unpublished')).to.equal(true);
}

describe('Several processes with a schedule, and verifiers that keep keys for up to hours', () => {
  after(removeScratch);

  it('no token is ever unknown to a verifier, and what it holds opens, from next to gone', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ every, step, caches, turns, byHand }) => {
        let now = START;
        const clock = () => now;
        const file = path.join(scratchFolder(), 'keys.json');
        writeKeyFile(file, await rotate([], 'ES256', clock));
        const keepers = [0, 1, 2].map(() => new KeyKeeper({ path: file, every, clock }));
        const processes = await Promise.all(
          keepers.map(async (keeper) => {
            const ring = keeper.ring('ES256');
            return { keeper, ring, held: await sealHeld({ n: now }, ring.heldKeys[0]), looked: now };
          }),
        );
        const verifiers = caches.map((age) => ({ age, kids: new Set<string>(), fetched: 0 }));
        const pick = <Item>(items: readonly Item[]): Item => items[turns.next().value ?? 0] as Item;
        const rotateByHand = async (found: readonly KeyRecord[] = []) => rotate(found, 'ES256', clock);
        let live: Token[] = [];
        const signedBy = new Set<string>();

        for (; now < START + 3 * DAY; now += step) {
          if (byHand) await changeKeyFile(file, rotateByHand).catch(onlyTooEarly);
          const chosen = pick(processes);
          for (const process of processes) {
            const [before, published] = [process.keeper.records, process.ring.jwks.keys.length];
            if (process === chosen || now + step - process.looked > LATE) {
              process.looked = now;
              process.keeper.refresh();
              await process.keeper.rotateIfDue('ES256');
            }
            // What is over is dropped on time, however late the file is read.
            if (process.keeper.records === before && process.keeper.published().length === published)
              continue;
            process.ring = process.keeper.ring('ES256');
            process.held = await sealHeld({ n: now }, process.ring.heldKeys[0]);
          }
          for (const verifier of verifiers) {
            if (now - verifier.fetched < verifier.age) continue;
            verifier.kids = new Set(pick(processes).ring.jwks.keys.map(({ kid }) => kid ?? ''));
            verifier.fetched = now;
          }
          for (const { ring, held } of processes) {
            expect(ring.jwks.keys.map(({ kid }) => kid)).to.include(ring.signer.kid);
            live.push({ kid: ring.signer.kid, exp: now + DAY, held });
            signedBy.add(ring.signer.kid);
          }
          live = live.filter(({ exp }) => now < exp);
          const needed = new Map(live.map((token) => [token.kid, token.held]));
          for (const [kid, held] of needed) {
            for (const { kids } of verifiers) expect([...kids]).to.include(kid);
            for (const { ring } of processes) await openHeld(held, ring.heldKeys);
          }
        }
        const published = new Set(processes[0]?.ring.jwks.keys.map(({ kid }) => kid));
        // In three days every key but those of the last day or so is gone.
        const gone = [...signedBy].filter((kid) => !published.has(kid)).length;
        if (every + RETENTION + LATE + step < 3 * DAY) expect(gone).to.be.at.least(1);
      }),
      { numRuns: 5, endOnFailure: true },
    );
  }).timeout(60_000);
});
