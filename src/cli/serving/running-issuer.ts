/** The running issuer. It is replaced when the graph, the keys or files that the graph names change. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { systemClock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import {
  FetchedSealKeys,
  createIssuer,
  createIssuerInSlices,
  type Issuer,
  type ServedIssuerOptions,
  type KeyWaits,
} from '../../issuer/index.ts';
import type { KeyKeeper, KeyRing } from '../../issuer/keys/index.ts';
import type { Store } from '../../issuer/stores/index.ts';
import type { CompiledInThread } from '../../planning/compile-thread/index.ts';
import { atOnce, inSlices, type Steps } from '../../planning/index.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { FileFollower } from './follow-files.ts';
import { failureOf } from './log-output.ts';
import { errorsOf } from '../arguments/graph-arguments.ts';
import { partyFiles, readSecrets } from './party-files.ts';
import { bundleReloads } from './reloads.ts';
import { KeyFollower, type SigningKeyTimes } from './follow-keys.ts';
import { readKeySets, type BrokenKeySet, type RunningKeySets } from './key-sets.ts';

export interface RunningOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly keyWaits: KeyWaits;
  /** Compiles the graph again without blocking requests. @throws the signal's reason once it is aborted. */
  readonly recompile: (signal: AbortSignal) => Promise<CompiledInThread>;
  /** Called before another graph is used. @throws if it must not be used. */
  readonly onGraph: (plan: Plan) => void;
}

type Parts = Omit<ServedIssuerOptions, 'keys'> & RunningKeySets;

/** What an issuer is made of, as it was read. */
interface Read {
  readonly parts: Parts;
  readonly broken: readonly BrokenKeySet[];
}

/** Parties that a line of the log names. */
const MAX_NAMED = 10;

const SIGHUP = 'SIGHUP';

export class RunningIssuer {
  readonly #options: RunningOptions;
  readonly #files = new FileFollower();
  readonly #reloads = bundleReloads((causes, signal) => this.#reload(causes, signal));
  // Who controls the address of a key could read what is sealed to it: a change is for people to see.
  readonly #fetchedSealKeys = new FetchedSealKeys((change) =>
    this.#options.log.warn(
      change,
      'a service publishes another encryption key: its tokens are sealed to that one now',
    ),
  );
  #parts: Parts;
  /** Issuer and keys are replaced together, so that signing key and published keys always match. */
  #answering: { readonly issuer: Issuer; readonly keys: KeyRing };
  #keys: KeyFollower | undefined;
  #loaded = systemClock();

  /** @throws WaybillError if graph, files and keys do not make an issuer. */
  constructor(plan: Plan, keys: KeyRing, options: RunningOptions) {
    this.#options = options;
    this.#parts = atOnce(this.#read(plan, undefined)).parts;
    this.#answering = { issuer: createIssuer({ ...this.#parts, keys }), keys };
  }

  /** The issuer with the current graph and keys. */
  get issuer(): Issuer {
    return this.#answering.issuer;
  }

  /** The graph that runs, and since when, in seconds since the epoch. */
  get graph(): { readonly digest: string; readonly loaded: number } {
    return { digest: this.#parts.plan.digest, loaded: this.#loaded };
  }

  /** Undefined until the key file is open. */
  get signingKey(): SigningKeyTimes | undefined {
    return this.#keys?.signingKey;
  }

  /** Uses the keys of the key file from now on. */
  keep(keeper: KeyKeeper): void {
    const signing = (): SigningAlgorithm => this.#parts.plan.issuer.signing;
    const adopt = (keys: KeyRing): void => {
      this.#answering = { issuer: this.issuer.withKeys(keys), keys };
    };
    adopt(keeper.ring(signing()));
    this.#keys = new KeyFollower({ keeper, log: this.#options.log, signing, adopt });
  }

  /**
   * Follows the key file, and SIGHUP.
   *
   * @param graph reports changes of the graph; the files that the graph names are followed too; absent: neither.
   * @returns what ends it.
   */
  follow(graph: FileFollower | undefined): () => Promise<void> {
    const keys = this.#keys;
    const following = keys?.follow();
    const changed = ([file = '']: readonly string[]): void => this.#reloads.ask(file);
    if (graph) for (const follower of [graph, this.#files]) follower.start(changed);
    process.on('SIGHUP', () => this.#reloads.ask(SIGHUP));
    return async () => {
      graph?.close();
      this.#files.close();
      await this.#reloads.close();
      await keys?.close();
      await following;
    };
  }

  /**
   * Reads graph and files again; after any failure the running issuer stays. If the new graph cannot be used, changed
   * files of the running graph still take effect: a withdrawn secret, a renewed bundle. A broken key set stays as it was,
   * for its own parties alone.
   */
  async #reload(causes: readonly string[], signal: AbortSignal): Promise<void> {
    if (causes.includes(SIGHUP)) await this.#keys?.look(true);
    this.#options.log.info({ cause: causes.join(', ') }, 'reloading');
    let plan: Plan | undefined;
    await this.#attempt('reloading failed; the running graph stays in place', signal, async () => {
      plan = await this.#usable(signal);
      if (plan) await this.#take(plan, signal);
    });
    if (plan?.digest !== this.#parts.plan.digest)
      await this.#attempt('the files of the running graph cannot be used either', signal, () =>
        this.#renewFiles(plan, signal),
      );
  }

  async #attempt(failed: string, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    try {
      if (!signal.aborted) await act();
    } catch (error) {
      if (!signal.aborted) this.#options.log.error(failureOf(error), failed);
    }
  }

  /** @param refused the graph that was not used. */
  async #renewFiles(refused: Plan | undefined, signal: AbortSignal): Promise<void> {
    const { plan, secrets, keySets, encryptionKeys } = this.#parts;
    const { parts, broken } = await inSlices(this.#read(plan, this.#parts, refused), signal);
    this.#tellOf(broken);
    const renewed = [parts.secrets, parts.keySets, parts.encryptionKeys];
    if (isDeepStrictEqual(renewed, [secrets, keySets, encryptionKeys])) return;
    await this.#adopt(parts, signal);
    this.#options.log.info({ running: plan.digest }, 'the running graph uses its changed files');
  }

  async #take(plan: Plan, signal: AbortSignal): Promise<void> {
    const { log, onGraph } = this.#options;
    const before = this.#parts.plan;
    onGraph(plan);
    const { parts, broken } = await inSlices(this.#read(plan, this.#parts, before), signal);
    await this.#adopt(parts, signal);
    this.#loaded = systemClock();
    this.#tellOf(broken);
    log.info({ before: before.digest, now: plan.digest }, 'reloaded');
  }

  /** The new graph; undefined, with the reason in the log, if it cannot replace the running one. */
  async #usable(signal: AbortSignal): Promise<Plan | undefined> {
    const { log, recompile } = this.#options;
    const { plan: running } = this.#parts;
    const { plan, findings, leftOut } = await recompile(signal);
    if (!plan) {
      for (const { code, file, line, column, message, hint } of errorsOf(findings)) {
        log.error({ code, file, line, column, hint }, message);
      }
      const errors = errorsOf(findings).length;
      log.error(
        { running: running.digest, errors, leftOut },
        'the graph has errors; the running one stays in place',
      );
      return undefined;
    }
    if (plan.issuer.url !== running.issuer.url) {
      log.error(
        { running: running.issuer.url, found: plan.issuer.url },
        "the issuer's URL changed, which takes a restart; the running graph stays in place",
      );
      return undefined;
    }
    return plan;
  }

  #keysFor(alg: SigningAlgorithm): KeyRing {
    if (alg === this.#parts.plan.issuer.signing) return this.#answering.keys;
    if (!this.#keys) throw new WaybillError('keys_missing', 'The key file is not open yet.');
    return this.#keys.keysFor(alg, () => this.#reloads.ask('a key for its algorithm'));
  }

  /**
   * Follows files before it reads them, also those of the graph `beside`: it is not known yet which of the two graphs will
   * be used, and a file that makes a graph unusable may be corrected.
   */
  *#read(plan: Plan, running: RunningKeySets | undefined, beside: Plan = plan): Steps<Read> {
    yield* this.#files.follow(new Set([...partyFiles(plan), ...partyFiles(beside)]));
    const secrets = yield* readSecrets(plan);
    const { broken, ...keys } = yield* readKeySets(plan, running);
    const { store, keyWaits } = this.#options;
    const fetchedSealKeys = this.#fetchedSealKeys;
    return { parts: { plan, secrets, ...keys, store, keyWaits, fetchedSealKeys }, broken };
  }

  #tellOf(broken: readonly BrokenKeySet[]): void {
    for (const { file, parties, reason } of broken)
      this.#options.log.error(
        { file, parties: parties.slice(0, MAX_NAMED), count: parties.length, reason },
        'a key set cannot be used; the keys from before stay in place',
      );
  }

  async #adopt(parts: Parts, signal: AbortSignal): Promise<void> {
    const alg = parts.plan.issuer.signing;
    const made = await createIssuerInSlices({ ...parts, keys: this.#keysFor(alg) }, signal);
    // The keys may have changed in between.
    const keys = this.#keysFor(alg);
    this.#answering = { issuer: made.withKeys(keys), keys };
    this.#parts = parts;
  }
}
