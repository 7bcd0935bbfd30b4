/** The equipment of a scenario: issuers and a Redis on free ports, clients, an account, and injections with proof. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../test/support/http.ts';
import { startRedis, type RedisServer } from '../../test/support/redis.ts';
import { Account } from './account.ts';
import { Connections, type Answer } from './connection.ts';
import { IssuerProcess } from './issuer-process.ts';
import { Load } from './load.ts';
import { Bot, graph, secretsEnvironment, type GraphParts } from './shop.ts';
import { Shopper } from './shopper.ts';
import { ChaosFailed, until } from './until.ts';

export interface StageOptions {
  /** The short form, for CI. */
  readonly isShort: boolean;
  /** False: nothing is injected, and every scenario must fail for it. */
  readonly injects: boolean;
}

interface Made {
  readonly folder: string;
  readonly port: number;
  readonly bot: Bot;
}

export interface IssuerStart {
  /** Default: `Stage.graphFile`. */
  readonly graph?: string;
  readonly store?: RedisServer;
  readonly more?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: number;
}

const KEY_SET = 'bot.jwks';
/** Milliseconds for a proof where nothing was injected. */
const NOT_INJECTED_MS = 1_000;

export class Stage {
  readonly account = new Account();
  readonly folder: string;
  readonly isShort: boolean;
  /** What was injected, in the words of its proof. */
  readonly proofs: string[] = [];
  /** Connections for requests of the scenario itself. */
  readonly lane = new Connections();
  /** The issuer's URL in tokens. */
  readonly issuerUrl: string;
  readonly shopper: Shopper;
  readonly #injects: boolean;
  readonly #port: number;
  readonly #closing: (() => Promise<unknown> | void)[] = [];
  readonly #issuers = new Set<IssuerProcess>();
  /** Processes that do not answer yet. */
  readonly #starting = new Set<Promise<unknown>>();
  #isClosed = false;

  private constructor({ isShort, injects }: StageOptions, { folder, port, bot }: Made) {
    this.isShort = isShort;
    this.#injects = injects;
    this.folder = folder;
    this.#port = port;
    this.issuerUrl = `http://127.0.0.1:${port}`;
    writeFileSync(this.graphFile, graph(this.graphParts));
    this.shopper = new Shopper(this.issuerUrl, this.account, bot);
  }

  static async open(options: StageOptions): Promise<Stage> {
    const folder = mkdtempSync(path.join(tmpdir(), 'waybill-chaos-'));
    return new Stage(options, {
      folder,
      port: await freePort(),
      bot: await Bot.make(path.join(folder, KEY_SET)),
    });
  }

  get graphParts(): GraphParts {
    return { url: this.issuerUrl, keySet: path.join(this.folder, KEY_SET) };
  }

  /** Every issuer is started with it, unless it is given another. */
  get graphFile(): string {
    return path.join(this.folder, 'graph.yaml');
  }

  /** @returns `short` in the short form, else `long`. */
  times(short: number, long: number): number {
    return this.isShort ? short : long;
  }

  /** A Redis as docs/how-to/run-with-redis.md asks for, unless `more` says otherwise. */
  async redis(...more: readonly string[]): Promise<RedisServer> {
    return this.#start(async () => {
      const redis = await startRedis({ more });
      this.#closing.push(() => redis.remove());
      return redis;
    });
  }

  /** Starts one more issuer, which clients ask from then on. The first has the port that the graph names. */
  async issuer({
    graph = this.graphFile,
    store,
    more = [],
    env = {},
    log,
  }: IssuerStart = {}): Promise<IssuerProcess> {
    const port = this.#issuers.size === 0 ? this.#port : await freePort();
    const issuer = await this.#start(async () => {
      const started = await IssuerProcess.start({
        args: [
          ...[graph, '--port', String(port), '--keys', path.join(this.folder, 'keys.json')],
          ...['--forwarded-from', '127.0.0.1', ...(store ? ['--store', store.url] : []), ...more],
        ],
        env: { ...secretsEnvironment, ...env },
        log,
      });
      this.#issuers.add(started);
      return started;
    });
    this.shopper.servers.add(issuer.url);
    return issuer;
  }

  /** @throws ChaosFailed where the scenario goes on after its stage was closed. */
  async #start<Started>(start: () => Promise<Started>): Promise<Started> {
    this.#requireOpen();
    const starting = start();
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  /** Clients of every kind, until they are stopped or the scenario ends. */
  load(): Load {
    this.#requireOpen();
    const load = new Load(this.account, this.shopper);
    this.#closing.unshift(() => load.stop());
    return load;
  }

  /**
   * Does harm, and waits for the proof of it.
   *
   * @param proof returns what shows that it took effect; undefined as long as nothing does.
   * @throws ChaosFailed where nothing shows it.
   */
  async inject(
    what: string,
    harm: () => Promise<unknown> | void,
    proof: () => Promise<string | undefined> | string | undefined,
  ): Promise<void> {
    if (this.#injects) await harm();
    try {
      this.proofs.push(await until(what, proof, this.#injects ? undefined : NOT_INJECTED_MS));
    } catch (error) {
      if (!(error instanceof ChaosFailed)) throw error;
      throw new ChaosFailed(`no effect of what was injected: ${error.message}`);
    }
  }

  /** Asks `/readyz`, beside the account. */
  async readiness({ url }: { readonly url: string }): Promise<Answer> {
    return this.lane.get(`${url}/readyz`);
  }

  /** Waits until every issuer that is asked has its store. */
  async untilStored(): Promise<void> {
    for (const url of this.shopper.servers)
      await until('an issuer with its store', async () => {
        const answer = await this.readiness({ url }).catch(() => undefined);
        return answer?.body['status'] === 'ready';
      });
  }

  /** Tries everything again that was used up or revoked. @throws ChaosFailed where there was nothing to try. */
  async tryAll(): Promise<number> {
    const refused = await this.shopper.tryAll(this.lane);
    if (refused === 0) throw new ChaosFailed('nothing that was used up or revoked could be tried again');
    return refused;
  }

  /** Ends an issuer that should still run, as Ctrl-C does. @throws ChaosFailed where it has not survived. */
  async endWell(issuer: IssuerProcess): Promise<void> {
    issuer.kill('SIGINT');
    const ended = await issuer.ended;
    if (ended !== 0) throw new ChaosFailed(`the issuer ended with ${ended ?? 'nothing'} instead of 0`);
  }

  /** Registers cleanup that runs however the scenario ends, last first. */
  atEnd(undo: () => Promise<unknown> | void): void {
    if (this.#isClosed) void undo();
    else this.#closing.unshift(undo);
  }

  /** Also while the scenario runs, where the run is stopped: what it starts is waited for, and ended with all else. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#starting);
    const faults: unknown[] = [];
    // A scenario that goes on may add to them meanwhile.
    for (let undo = this.#closing.shift(); undo; undo = this.#closing.shift()) {
      try {
        await undo();
      } catch (error) {
        faults.push(error); // what else there is to undo is undone all the same
      }
    }
    for (const issuer of this.#issuers) {
      issuer.kill('SIGKILL');
      await issuer.ended;
    }
    this.lane.close();
    rmSync(this.folder, { recursive: true, force: true });
    if (faults.length > 0) throw faults[0];
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new ChaosFailed('the stage is closed');
  }
}
