/** One operation to measure, which a process repeats many times. */
import type { Checkout } from './checkout.ts';
import type { Inputs } from './inputs.ts';

export interface HotPath {
  /** As the command line and the kept file name it. */
  readonly name: string;
  /** Calls until V8 has compiled all that it will compile. */
  readonly warmUp: number;
  /** Calls of one measurement: what they allocate has to fit into V8's new space. */
  readonly calls: number;
  open(checkout: Checkout, inputs: Inputs): Promise<Operation>;
}

export interface Operation<Input = unknown, Output = unknown> {
  /** Prepares the input of the next call. Not measured. */
  input(): Input;
  call(input: Input): Output | Promise<Output>;
  /** @throws TypeError if the call did not do what should be measured. */
  sizes(input: Input, output: Output): Sizes;
}

/** Bytes. */
export interface Sizes {
  /** Of the token, or of the files of a graph. */
  readonly reads: number;
  /** Of the token, or of the answer as JSON. */
  readonly makes: number;
}

/** Takes them one after the other, again and again. */
export function cycle<Item>(items: readonly Item[]): () => Item {
  let next = 0;
  return () => items[next++ % items.length]!;
}
