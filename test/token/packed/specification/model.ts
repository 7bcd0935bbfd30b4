/** The section "The model" of `schemas/packed.md`, written from the page and for nothing but likeness to it. */

const L = [
  1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785,
  3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
];
const TEXT_BYTES = '\0abcdefghijklmnopqrstuvwxyz-:./';

function squash(x: number): number {
  const y = x + 2048;
  const j = Math.floor(y / 128);
  const r = y % 128;
  return Math.floor((L[j]! * (128 - r) + L[j + 1]! * r + 64) / 128);
}

const STRETCHED: number[] = [];
for (let q = 0; q < 4096; q += 1) {
  let x = -2047;
  while (x < 2047 && squash(x) < q) x += 1;
  STRETCHED.push(x);
}

/** a × b modulo 2³². */
function times(a: number, b: number): number {
  return Number((BigInt(a) * BigInt(b)) % 2n ** 32n);
}

function plus(a: number, b: number): number {
  return (a + b) % 2 ** 32;
}

function hash(context: number, key: number): number {
  const x = times((times(context + 1, 0x3d4d51cb) ^ key) >>> 0, 0x2c1b3c6d);
  return times((x ^ (x >>> 15)) >>> 0, 0x297a2d39);
}

interface Slot {
  readonly chance: number;
  readonly seen: number;
  readonly check: number;
}

/** What stays from one body to the next. */
export class Model {
  readonly slots = new Map<number, Slot>();
  readonly weights = new Map<number, number[]>();

  copy(): Model {
    const copy = new Model();
    for (const [index, slot] of this.slots) copy.slots.set(index, slot);
    for (const [field, weights] of this.weights) copy.weights.set(field, [...weights]);
    return copy;
  }
}

/** The bytes of a modelled body. */
export class ModelledBytes {
  readonly #model: Model;
  readonly #body: Uint8Array;
  #left = 0;
  #low = 0;
  #high = 2 ** 32 - 1;
  #text: number[] = [];
  readonly #lasts = new Map<number, number>();
  #read = 0;

  constructor(model: Model, body: Uint8Array) {
    this.#model = model;
    this.#body = body;
  }

  byte(field: number, hint: number): number {
    this.#read += 1;
    if (this.#read > 8192) throw new Error('over 8192 bytes');
    const hashes = this.#keys(field, hint).map((key, i) => hash(3 * field + i, key));
    let node = 1;
    const bits = (count: number): number => {
      let value = 0;
      for (let i = 0; i < count; i += 1) {
        const bit = this.#bit(field, hashes, node);
        value = value * 2 + bit;
        node = node * 2 + bit;
      }
      return value;
    };
    const symbol = bits(5);
    let byte = field === 0 ? TEXT_BYTES.charCodeAt(symbol) : symbol;
    if (symbol === 31) {
      byte = bits(8);
      if (field === 0 ? TEXT_BYTES.includes(String.fromCharCode(byte)) : byte < 31)
        throw new Error('escaped');
    }
    if (field > 0) this.#lasts.set(field, byte);
    else this.#text = byte === 0 ? [] : [byte, ...this.#text];
    return byte;
  }

  #keys(field: number, hint: number): number[] {
    const last = this.#lasts.get(field) ?? 0;
    if (field > 0) return [last, hint, 256 * hint + last];
    const [c1 = 0, c2 = 0, c3 = 0, c4 = 0] = this.#text;
    return [256 * hint + c1, c1 + 256 * c2, c1 + 256 * c2 + 65536 * c3 + 2 ** 24 * c4];
  }

  #bit(field: number, hashes: readonly number[], node: number): number {
    const { slots } = this.#model;
    const weights = this.#model.weights.get(field) ?? [21845, 21845, 21845];
    const looked = hashes.map((h) => {
      const key = plus(h, times(node, 0x2f0b4c47));
      const found = slots.get(key >>> 16);
      const check = key % 256;
      const slot = found && found.check === check ? found : { chance: 32768, seen: 0, check };
      return { index: key >>> 16, slot, vote: STRETCHED[slot.chance >> 4]! };
    });
    const total = looked.reduce((sum, { vote }, i) => sum + vote * weights[i]!, 0);
    const p = squash(Math.max(-2047, Math.min(2047, Math.floor(total / 65536))));
    const bit = this.#decide(p);
    const e = (4096 * bit - p) * 20;
    const moved = weights.map((weight, i) => weight + Math.floor((looked[i]!.vote * e + 32768) / 65536));
    this.#model.weights.set(
      field,
      moved.map((weight) => Math.max(-262143, Math.min(262143, weight))),
    );
    for (const { index, slot } of looked) {
      const rate = Math.floor(131072 / (2 * slot.seen + 3));
      const chance = slot.chance + Math.floor((((bit === 1 ? 65535 : 0) - slot.chance) * rate) / 65536);
      slots.set(index, { chance, seen: Math.min(30, slot.seen + 1), check: slot.check });
    }
    return bit;
  }

  #decide(p: number): number {
    const middle = this.#low + Math.floor((this.#high - this.#low) / 4096) * p;
    const window = [0, 1, 2, 3].reduce((sum, i) => sum * 256 + (this.#body[this.#left + i] ?? 0), 0);
    const bit = window <= middle ? 1 : 0;
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (Math.floor(this.#low / 2 ** 24) === Math.floor(this.#high / 2 ** 24)) {
      this.#low = (this.#low * 256) % 2 ** 32;
      this.#high = (this.#high * 256 + 255) % 2 ** 32;
      this.#left += 1;
    }
    return bit;
  }

  end(): void {
    let tail: number[] = [];
    for (let n = 0; n <= 4; n += 1) {
      const unit = 2 ** (32 - 8 * n);
      const value = Math.ceil(this.#low / unit) * unit;
      tail = Array.from({ length: n }, (_, i) => Math.floor(value / 2 ** (24 - 8 * i)) % 256);
      if (value <= this.#high) break;
    }
    const rest = [...this.#body.subarray(this.#left)];
    if (this.#left > this.#body.length || rest.join() !== tail.join()) throw new Error('the end');
  }
}
