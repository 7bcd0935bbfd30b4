/** How tokens travel. */
import { getOrAdd } from '../../get-or-add.ts';
import type { TokenBody } from '../../graph/index.ts';

/** `bare`: a JWT without children, the same in either encoding. `sealed`: a JWE around a nested JWT, in either encoding. */
export type Coding = 'bare' | 'nested' | 'packed' | 'sealed';

/** Members of a payload that the packed coding takes apart (`schemas/packed.md`, "Shapes"). */
const MAX_MEMBERS = 64;
/** Members of a payload beside its claims and children. */
const MEMBERS = 13;

const packable = new WeakMap<TokenBody, boolean>();

/** Whether the packed coding can take every token of the tree apart; else the tree counts as nested. */
export function isPackable(body: TokenBody): boolean {
  return getOrAdd(
    packable,
    body,
    () =>
      body.claims.length + MEMBERS <= MAX_MEMBERS &&
      body.branches.every(({ shape, seal }) => shape === undefined || seal || isPackable(shape.body)),
  );
}

/** `1,234 bytes nested`: a bare token is the same in either encoding. */
export function bytesIn(bytes: number, coding: Coding): string {
  return `${bytes.toLocaleString('en')} bytes${coding === 'bare' ? '' : ` ${coding}`}`;
}
