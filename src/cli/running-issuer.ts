/** The issuer that answers, and what replaces it: a changed graph, changed keys, a changed file that the graph names. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import {
  WaybillError,
  createIssuer,
  isWaybillError,
  type Compiled,
  type Issuer,
  type IssuerOptions,
  type KeyKeeper,
  type KeyRing,
  type Plan,
  type SigningAlgorithm,
  type Store,
} from '../index.ts';
import { FileFollower } from './follow-files.ts';
import { followGraph } from './follow-graph.ts';
import { errorsOf } from './graph-arguments.ts';
import { partyFiles, readKeySets, readSecrets } from './party-files.ts';
import { KeyFollower } from './serve-keys.ts';

export interface RunningOptions {
  readonly store: Store;
  readonly log: Logger;
  /** Reads the graph again. */
  readonly recompile: () => Compiled;
  /** Told before another graph answers. @throws where it must not. */
  readonly onGraph: (plan: Plan) => void;
}

type Parts = Omit<IssuerOptions, 'keys'>;

export class RunningIssuer {
  readonly #options: RunningOptions;
  readonly #files = new FileFollower(([file]) => this.reload(file ?? ''));
  #parts: Parts;
  /** The issuer that answers and its keys are replaced as a whole, so that what signs and what is published are one. */
  #answering: { readonly issuer: Issuer; readonly keys: KeyRing };
  #keys: KeyFollower | undefined;

  /** @throws WaybillError where no issuer can be made of graph, files and keys. */
  constructor(plan: Plan, keys: KeyRing, options: RunningOptions) {
    this.#options = options;
    this.#parts = this.#read(plan);
    this.#answering = { issuer: createIssuer({ ...this.#parts, keys }), keys };
  }

  /** Of the graph and the keys that run now. */
  get issuer(): Issuer {
    return this.#answering.issuer;
  }

  /** From now on with what the key file holds. */
  keep(keeper: KeyKeeper): void {
    const signing = (): SigningAlgorithm => this.#parts.plan.issuer.signing;
    this.#adopt(this.#parts, keeper.ring(signing()));
    const adopt = (ring: KeyRing): void => this.#adopt(this.#parts, ring);
    this.#keys = new KeyFollower({ keeper, log: this.#options.log, signing, adopt });
  }

  /**
   * Follows the key file, and SIGHUP.
   *
   * @param paths of the graph, which are followed with the files that it names; empty: neither.
   * @returns what ends it.
   */
  async follow(paths: readonly string[]): Promise<() => Promise<void>> {
    const keys = this.#keys;
    const following = keys?.follow();
    if (paths.length === 0) this.#files.close();
    const stopWatching =
      paths.length === 0
        ? async () => undefined
        : await followGraph(
            paths,
            (path) => this.reload(path),
            (error) =>
              this.#options.log.error(
                { err: error },
                'changes of the graph cannot be followed; SIGHUP still reloads',
              ),
          );
    process.on('SIGHUP', () => void Promise.resolve(keys?.look(true)).then(() => this.reload('SIGHUP')));
    return async () => {
      await stopWatching();
      this.#files.close();
      await keys?.close();
      await following;
    };
  }

  /**
   * Reads graph and files again; whatever goes wrong, what runs stays in place. Where the graph is of no use, the files
   * of the running one count all the same: a secret that was taken back, a bundle that was renewed.
   */
  reload(cause: string): void {
    this.#options.log.info({ cause }, 'reloading');
    let plan: Plan | undefined;
    this.#attempt('reloading failed; the running graph stays in place', () => {
      plan = this.#usable();
      if (plan) this.#take(plan);
    });
    if (plan?.digest !== this.#parts.plan.digest)
      this.#attempt('the files of the running graph cannot be used either', () => this.#renewFiles(plan));
  }

  #attempt(failed: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      const reason = isWaybillError(error) ? error.message : 'unexpected error';
      this.#options.log.error({ reason, ...(isWaybillError(error) ? {} : { err: error }) }, failed);
    }
  }

  /** @param refused the graph that was not taken. */
  #renewFiles(refused: Plan | undefined): void {
    const { secrets, keySets } = this.#parts;
    const fresh = this.#read(this.#parts.plan, refused);
    if (isDeepStrictEqual([fresh.secrets, fresh.keySets], [secrets, keySets])) return;
    this.#adopt(fresh, this.#answering.keys);
    this.#options.log.info({ running: fresh.plan.digest }, 'the files of the running graph are taken up');
  }

  #take(plan: Plan): void {
    const { log, onGraph } = this.#options;
    const before = this.#parts.plan.digest;
    onGraph(plan);
    this.#adopt(this.#read(plan, this.#parts.plan), this.#keysFor(plan.issuer.signing));
    log.info({ before, now: plan.digest }, 'reloaded');
  }

  /** The graph as it is now; undefined, with the reason in the log, where it cannot follow the running one. */
  #usable(): Plan | undefined {
    const { log, recompile } = this.#options;
    const { plan: running } = this.#parts;
    const { plan, findings } = recompile();
    if (!plan) {
      for (const { code, file, line, column, message, hint } of errorsOf(findings)) {
        log.error({ code, file, line, column, hint }, message);
      }
      const errors = errorsOf(findings).length;
      log.error({ running: running.digest, errors }, 'the graph has errors; the running one stays in place');
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
    return this.#keys.keysFor(alg, () => this.reload('a key for its algorithm'));
  }

  /**
   * Files are followed from before they are read, and also where the graph then comes to nothing for their sake; those of
   * the graph `beside` it as well: which of the two answers in the end is not known yet.
   */
  #read(plan: Plan, beside: Plan = plan): Parts {
    this.#files.follow(new Set([...partyFiles(plan), ...partyFiles(beside)]));
    return { plan, secrets: readSecrets(plan), keySets: readKeySets(plan), store: this.#options.store };
  }

  #adopt(parts: Parts, keys: KeyRing): void {
    this.#answering = { issuer: createIssuer({ ...parts, keys }), keys };
    this.#parts = parts;
  }
}
