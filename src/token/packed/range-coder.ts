/**
 * Arithmetic coding of bits with given chances: two 32-bit bounds, a byte leaves when both agree on it.
 *
 * The end is exact. The encoder writes the shortest tail that names a number between the bounds, the decoder reads
 * zeros behind the end and in `finished` demands just that tail: so one sequence of bits has one coding.
 */

/** Where the bounds part, for a chance in 1/65536 that the bit is one. */
function middle(low: number, high: number, chance: number): number {
  const range = high - low;
  return low + (range >>> 16) * chance + (((range & 0xffff) * chance) >>> 16);
}

/** The shortest bytes that, with zeros behind them, lie between the bounds. */
function tailOf(low: number, high: number): number[] {
  for (let bytes = 0; bytes < 4; bytes += 1) {
    const unit = 2 ** (32 - 8 * bytes);
    const value = Math.ceil(low / unit) * unit;
    if (value <= high) return bytesOf(value, bytes);
  }
  return bytesOf(low, 4);
}

function bytesOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (value >>> (24 - 8 * i)) & 0xff);
}

export class RangeEncoder {
  readonly #bytes: number[] = [];
  #low = 0;
  #high = 0xffffffff;

  /** @param chance of a one, in 1/65536: from 1 to 65535. */
  bit(bit: number, chance: number): void {
    const mid = middle(this.#low, this.#high, chance);
    if (bit === 1) this.#high = mid;
    else this.#low = mid + 1;
    while ((this.#low ^ this.#high) >>> 24 === 0) {
      this.#bytes.push(this.#high >>> 24);
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 0xff) >>> 0;
    }
  }

  finish(): Uint8Array {
    return Uint8Array.from([...this.#bytes, ...tailOf(this.#low, this.#high)]);
  }
}

export class RangeDecoder {
  readonly #bytes: Uint8Array;
  /** The first byte that the bounds have not agreed on. */
  #position = 0;
  #low = 0;
  #high = 0xffffffff;
  /** The four bytes from `#position` on. */
  #value: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#value = [0, 1, 2, 3].reduce((value, i) => ((value << 8) | this.#byteAt(i)) >>> 0, 0);
  }

  bit(chance: number): number {
    const mid = middle(this.#low, this.#high, chance);
    const bit = this.#value <= mid ? 1 : 0;
    if (bit === 1) this.#high = mid;
    else this.#low = mid + 1;
    while ((this.#low ^ this.#high) >>> 24 === 0) {
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 0xff) >>> 0;
      this.#value = ((this.#value << 8) | this.#byteAt(this.#position + 4)) >>> 0;
      this.#position += 1;
    }
    return bit;
  }

  /** Whether the bytes end as the encoder ends them after these bits. */
  finished(): boolean {
    const tail = tailOf(this.#low, this.#high);
    const rest = this.#bytes.subarray(this.#position);
    return (
      this.#position <= this.#bytes.length &&
      rest.length === tail.length &&
      tail.every((byte, i) => byte === rest[i])
    );
  }

  #byteAt(index: number): number {
    return index < this.#bytes.length ? this.#bytes[index]! : 0;
  }
}
