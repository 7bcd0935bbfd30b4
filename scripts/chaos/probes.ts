/** Probes the issuer again and again, as orchestrators do. */
import { setTimeout as pause } from 'node:timers/promises';
import { Connections, NoAnswer } from './connection.ts';

const PAUSE_MS = 100;

export class Probes {
  /** Answers by their status; 0: none. */
  readonly seen = new Map<number, number>();
  readonly #address: string;
  readonly #onAnswer: (status: number) => void;
  readonly #running: Promise<void>;
  #isStopping = false;

  /** Starts at once. @param onAnswer called with each status. */
  constructor(address: string, onAnswer: (status: number) => void = () => undefined) {
    this.#address = address;
    this.#onAnswer = onAnswer;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  get all(): number {
    return [...this.seen.values()].reduce((sum, times) => sum + times, 0);
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const status = await this.#ask();
      this.seen.set(status, (this.seen.get(status) ?? 0) + 1);
      this.#onAnswer(status);
      await pause(PAUSE_MS);
    }
  }

  async #ask(): Promise<number> {
    const lane = new Connections();
    try {
      return (await lane.get(this.#address)).status;
    } catch (error) {
      if (error instanceof NoAnswer) return 0;
      throw error;
    } finally {
      lane.close();
    }
  }
}
