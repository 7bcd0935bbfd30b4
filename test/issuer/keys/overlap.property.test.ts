import path from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import type { Clock } from '../../../src/clock.ts';
import { isWaybillError } from '../../../src/errors.ts';
import {
  KeyKeeper,
  PUBLICATION_LEAD,
  RETENTION,
  changeKeyFile,
  rotate,
  type KeyRecord,
  type KeyRing,
} from '../../../src/issuer/keys/index.ts';
import { decryptDeferredClaims, encryptDeferredClaims } from '../../../src/token/index.ts';
import { removeScratch, scratchFolder } from '../../support/files.ts';

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

/** An issuer's process: its keys as it took them up last, and claims that it holds under the one that signs. */
class Process {
  readonly #keeper: KeyKeeper;
  readonly #clock: Clock;
  #looked: number;
  #records: readonly KeyRecord[] = [];
  ring: KeyRing;
  held = '';

  constructor(path: string, every: number, clock: Clock) {
    this.#keeper = new KeyKeeper({ path, every, clock });
    this.#clock = clock;
    this.#looked = clock();
    this.ring = this.#keeper.ring('ES256');
  }

  /** Whether it would be later than it may be if it did not look before that time. */
  mustLook(before: number): boolean {
    return before - this.#looked > LATE;
  }

  async look(): Promise<void> {
    this.#looked = this.#clock();
    this.#keeper.refresh();
    await this.#keeper.rotateIfDue('ES256');
  }

  /** What is over is dropped on time, however late the file is read. */
  async takeUp(): Promise<void> {
    const published = this.#keeper.published();
    if (this.#records === this.#keeper.records && published.length === this.ring.jwks.keys.length) return;
    this.#records = this.#keeper.records;
    this.ring = this.#keeper.ring('ES256');
    this.held = await encryptDeferredClaims({ claims: { n: 1 } }, this.ring.heldKeys[0]);
  }

  get published(): readonly string[] {
    return this.ring.jwks.keys.map(({ kid }) => kid ?? '');
  }

  issue(): Token {
    expect(this.published).to.include(this.ring.signer.kid);
    return { kid: this.ring.signer.kid, exp: this.#clock() + DAY, held: this.held };
  }
}

/** Fetches keys when those that it has are too old, and never for another reason. */
class Verifier {
  readonly #age: number;
  #fetched = 0;
  kids: readonly string[] = [];

  constructor(age: number) {
    this.#age = age;
  }

  fetch(from: Process, now: number): void {
    if (now - this.#fetched < this.#age) return;
    this.kids = from.published;
    this.#fetched = now;
  }
}

async function rotateByHand(file: string, clock: Clock): Promise<void> {
  try {
    await changeKeyFile(file, async (found = []) => rotate(found, 'ES256', clock));
  } catch (error) {
    expect(isWaybillError(error, 'keys_unpublished')).to.equal(true);
  }
}

async function everyTokenHolds(
  live: readonly Token[],
  verifiers: readonly Verifier[],
  processes: readonly Process[],
): Promise<void> {
  for (const [kid, held] of new Map(live.map((token) => [token.kid, token.held]))) {
    for (const { kids } of verifiers) expect(kids).to.include(kid);
    for (const { ring } of processes) await decryptDeferredClaims(held, ring.heldKeys);
  }
}

describe('Several processes with a schedule, and verifiers that keep keys for up to hours', () => {
  after(removeScratch);

  it('no token is ever unknown to a verifier, and what it holds opens, from next to gone', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ every, step, caches, turns, byHand }) => {
        let now = START;
        const clock = () => now;
        const pick = <Item>(items: readonly Item[]): Item => items[turns.next().value ?? 0] as Item;
        const file = path.join(scratchFolder(), 'keys.json');
        await changeKeyFile(file, async () => rotate([], 'ES256', clock));
        const processes = [0, 1, 2].map(() => new Process(file, every, clock));
        const verifiers = caches.map((age) => new Verifier(age));
        const signedBy = new Set<string>();
        let live: Token[] = [];
        for (; now < START + 3 * DAY; now += step) {
          if (byHand) await rotateByHand(file, clock);
          const chosen = pick(processes);
          for (const one of processes) {
            if (one === chosen || one.mustLook(now + step)) await one.look();
            await one.takeUp();
          }
          for (const verifier of verifiers) verifier.fetch(pick(processes), now);
          live = [...live, ...processes.map((one) => one.issue())].filter(({ exp }) => now < exp);
          for (const { kid } of live) signedBy.add(kid);
          await everyTokenHolds(live, verifiers, processes);
        }
        const gone = [...signedBy].filter((kid) => !processes[0]?.published.includes(kid));
        const isLongEnough = every + RETENTION + LATE + step < 3 * DAY;
        expect(gone.length > 0 || !isLongEnough).to.equal(true);
      }),
      { numRuns: 5, endOnFailure: true },
    );
  }).timeout(180_000);
});
