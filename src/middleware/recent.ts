/** What was used last, as much of it as is allowed: a Map keeps its order, and the first is the one to go. */

export class Recent<Value> {
  readonly #entries = new Map<string, Value>();
  /** Goes on where it stopped: what it has passed is gone, and a Map that is read anew has to skip all of that. */
  readonly #oldest = this.#entries.keys();
  readonly #max: number;

  /** @param max most entries, at least 1; the least recently used one makes room. */
  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Without making it the last that was used. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    const { value: oldest } = this.#oldest.next();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
