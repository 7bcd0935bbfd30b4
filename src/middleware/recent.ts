/** What was used last, as much of it as is allowed: a Map keeps its order, and the first is the one to go. */

export class Recent<Value> {
  readonly #entries = new Map<string, Value>();
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
    for (const first of this.#entries.keys()) {
      this.#entries.delete(first);
      break;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
