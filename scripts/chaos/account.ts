/** The outcome of every request of a scenario. Each is counted once: answered, told an error, lost, or wrongly accepted. */

/** The verdict on an answer, by a client that knows what it should be. */
export type Verdict = 'right' | { readonly told: string } | { readonly wrong: string };

/** A request that has no answer. */
export interface LostRequest {
  /** The connection was refused: nothing listened. */
  readonly isUnsent: boolean;
  /** The server's URL. */
  readonly url: string;
  /** The client's port of the connection; undefined where the connection never came about. */
  readonly port: number | undefined;
  /** Milliseconds of the monotonic clock. */
  readonly openedAt: number;
  readonly reason: string;
}

/** A process that was killed, and the connections that die with it. */
export interface Kill {
  readonly url: string;
  /** Ports of clients whose connections other processes held at that moment. */
  readonly others: ReadonlySet<number>;
  /** Connections that were opened until then are its own. Milliseconds of the monotonic clock. */
  until: number;
}

export class Account {
  #sent = 0;
  #answered = 0;
  readonly #told = new Map<string, number>();
  readonly #lost: LostRequest[] = [];
  readonly #kills: Kill[] = [];
  readonly #wrong: string[] = [];

  /** @returns a function that must be called once with the outcome of the request. */
  send(): (outcome: Verdict | LostRequest) => void {
    this.#sent += 1;
    return (outcome) => {
      if (outcome === 'right') this.#answered += 1;
      else if ('told' in outcome) this.#told.set(outcome.told, (this.#told.get(outcome.told) ?? 0) + 1);
      else if ('wrong' in outcome) this.#wrong.push(outcome.wrong);
      else this.#lost.push(outcome);
    };
  }

  /** Excuses requests that are lost with a process; `until` may be moved while it is down. */
  kill(kill: Kill): void {
    this.#kills.push(kill);
  }

  /** Without requests that a stopped process could not accept: their senders know that, and may ask elsewhere. */
  get sent(): number {
    return this.#sent - this.#lost.filter((lost) => lost.isUnsent && this.#isExcused(lost)).length;
  }

  /** Requests whose end is known. */
  get ended(): number {
    const { answered, toldAll, lost, lostWithProcess, wrong } = this;
    return answered + toldAll + lost.length + lostWithProcess.length + wrong.length;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Errors by their code. */
  get told(): ReadonlyMap<string, number> {
    return this.#told;
  }

  get toldAll(): number {
    return [...this.#told.values()].reduce((sum, times) => sum + times, 0);
  }

  /** Lost with a killed process, over its own connections. */
  get lostWithProcess(): readonly LostRequest[] {
    return this.#lost.filter((lost) => !lost.isUnsent && this.#isExcused(lost));
  }

  /** Lost without such a reason. */
  get lost(): readonly LostRequest[] {
    return this.#lost.filter((lost) => !this.#isExcused(lost));
  }

  get wrong(): readonly string[] {
    return this.#wrong;
  }

  #isExcused({ url, port, openedAt }: LostRequest): boolean {
    return this.#kills.some(
      (kill) => kill.url === url && openedAt <= kill.until && (port === undefined || !kill.others.has(port)),
    );
  }
}
