/** Questions to another process or thread. Each is answered once, under its number, or not in time. */
const ANSWER_MS = 2_000;

export class Questions<Answer> {
  readonly #open = new Map<number, (answer: Answer) => void>();
  #last = 0;

  /**
   * @param send passes the question on, with its number.
   * @returns undefined where no answer comes within two seconds.
   */
  ask(send: (number: number) => void): Promise<Answer | undefined> {
    this.#last += 1;
    const number = this.#last;
    return new Promise((resolve) => {
      const end = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        this.#open.delete(number);
        resolve(answer);
      };
      const timer = setTimeout(() => end(undefined), ANSWER_MS).unref();
      this.#open.set(number, end);
      send(number);
    });
  }

  /** Late answers are dropped. */
  answered(number: number, answer: Answer): void {
    this.#open.get(number)?.(answer);
  }
}
