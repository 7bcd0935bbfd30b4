/**
 * How a tree travels. In: the encoding that is asked for, a tree. Out: whether it is packed, the whole tree or nothing
 * of it: whoever unpacks a tree packs its children, and does not know who reads bare JWTs alone.
 */
import type { Encoding, TokenBody, TokenShape } from '../graph/index.ts';

/** As what a token travels: without children as the bare JWT that it is. */
export type Coding = 'bare' | 'nested' | 'packed';

/** Members of a payload that the packed coding takes apart (`schemas/packed.md`, "Shapes"). */
const MAX_MEMBERS = 64;
/** Of a payload beside its claims, children not among them. */
const MEMBERS = 13;

const packable = new WeakMap<TokenBody, boolean>();

/** Whether the tree is sent packed. A token without children is the same bare JWT in either encoding. */
export function travelsPacked(encoding: Encoding, { body }: Pick<TokenShape, 'body'>): boolean {
  return encoding === 'packed' && isPackable(body);
}

function isPackable(body: TokenBody): boolean {
  let answer = packable.get(body);
  if (answer === undefined) {
    const embeds = body.branches.some(({ shape }) => shape !== undefined);
    answer =
      body.claims.length + MEMBERS <= MAX_MEMBERS &&
      (!embeds || body.service.accepts === 'any') &&
      body.branches.every(({ shape }) => shape === undefined || isPackable(shape.body));
    packable.set(body, answer);
  }
  return answer;
}

/** `1,234 bytes nested`: a bare token is the same in either encoding. */
export function bytesIn(bytes: number, coding: Coding): string {
  return `${bytes.toLocaleString('en')} bytes${coding === 'bare' ? '' : ` ${coding}`}`;
}
