/**
 * Tokens without their signatures. In: a measure, and the values of a tree where they are known. Out: nodes that the packed
 * coding can measure; an unknown value has its largest size.
 */
import { LONGEST_LIFETIME } from '../../protocol.ts';
import type { Actor, ClaimPlan, TokenShape } from '../../graph/index.ts';
import {
  THUMBPRINT_CHARS,
  TXN_CHARS,
  headerOf,
  jtiOf,
  payloadOf,
  unsignedNode,
  type Confirmation,
  type SignedNode,
  type TokenNode,
} from '../../token/index.ts';
import { BRANCH_CHARS, jsonBytes, type Measure, type MeasureOptions } from './measure.ts';

/** The values of a tree that is issued. */
export interface IssuedValues {
  readonly valueOf: (claim: ClaimPlan) => unknown;
  /** Absent: the largest for any moment. */
  readonly moment?: IssuedMoment | undefined;
}

/** The values that differ in every tree. */
export interface IssuedMoment {
  readonly txn: string;
  readonly branch: string | undefined;
  readonly cnf?: Confirmation | undefined;
  readonly iat: number;
  readonly exp: number;
}

/** A token with its number in the tree, in pre-order. */
export interface NumberedToken {
  readonly shape: TokenShape;
  readonly n: number;
  readonly act: Actor | undefined;
}

/** The parts of a token that depend on its callees. */
export interface TokenLoad {
  /** Seconds since the epoch. */
  readonly exp: number;
  readonly onDemand: readonly (readonly [callee: string, audience: string | readonly string[]])[];
  /** Deferred claims. */
  readonly held: readonly ClaimPlan[];
}

const LETTERS = 'abcdefghijklmnopqrstuvwxy';

export class UnsignedTokens {
  readonly #options: MeasureOptions;
  readonly #measure: Measure;
  readonly #values: IssuedValues | undefined;
  readonly #header: string;
  readonly #signature: string;

  /** @param values absent: the largest that the measure allows. */
  constructor(measure: Measure, values?: IssuedValues) {
    this.#measure = measure;
    this.#options = measure.options;
    this.#values = values;
    const { alg, kid, signatureBytes } = this.#options.signing;
    this.#header = JSON.stringify(headerOf(alg, kid));
    this.#signature = '\0'.repeat(signatureBytes);
  }

  /** When the root expires, in seconds since the epoch. */
  get rootEnd(): number {
    return this.#values?.moment?.exp ?? this.#iat + LONGEST_LIFETIME;
  }

  /** When a token expires: never after the token above it. */
  endOf({ lifetime }: TokenShape, parentEnd: number): number {
    return Math.min(parentEnd, this.#iat + lifetime);
  }

  node(
    token: NumberedToken,
    { exp, onDemand, held }: TokenLoad,
    children: readonly (readonly [callee: string, child: TokenNode])[] = [],
  ): SignedNode {
    const { shape, n, act } = token;
    const { issuer, sub, clientId, exchanged, txnChars } = this.#options;
    const moment = this.#values?.moment;
    const txn = moment?.txn ?? 't'.repeat(txnChars ?? TXN_CHARS);
    const branch = moment ? moment.branch : exchanged ? 'b'.repeat(BRANCH_CHARS) : undefined;
    const payload = payloadOf(
      {
        ...{ iss: issuer, aud: shape.audience, sub, clientId, scope: shape.scope, iat: this.#iat, exp, txn },
        jti: jtiOf(txn, n, branch),
        act,
        cnf: this.#confirmation(shape),
        claims: shape.claims.flatMap(({ claim }): [string, unknown][] => {
          const value = this.#valueOf(claim);
          return value === undefined ? [] : [[claim.name, value]];
        }),
        onDemand,
        held: this.sealed(held, token),
      },
      [],
    );
    // In the order of an object: names that look like numbers come first.
    const ordered = Object.entries(Object.fromEntries(children));
    const node = unsignedNode(this.#header, payload, ordered, this.#signature);
    return { ...node, travelsNested: ordered.length > 0 && shape.service.accepts === 'jwt' };
  }

  get #iat(): number {
    return this.#values?.moment?.iat ?? 1e9;
  }

  #valueOf(claim: ClaimPlan): unknown {
    if (this.#values) return this.#values.valueOf(claim);
    if ('value' in claim.source) return claim.source.value;
    const bytes = this.#options.claimBytes(claim);
    return bytes === undefined ? undefined : filler(bytes);
  }

  #confirmation({ actor, branches }: TokenShape): Confirmation | undefined {
    const method = this.#options.confirmation;
    if (!method || actor !== undefined || branches.some(({ mode }) => mode === 'forward')) return undefined;
    if (this.#values?.moment) return this.#values.moment.cnf;
    return { [method]: 'k'.repeat(THUMBPRINT_CHARS) } as unknown as Confirmation;
  }

  /** A stand-in for `held` of a token; undefined if it has none. */
  sealed(claims: readonly ClaimPlan[], { shape, n }: NumberedToken): string | undefined {
    const chars = this.#measure.deferredClaimsLength(claims, shape.body);
    if (chars === 0) return undefined;
    // Text takes most; random bytes take what the real value will take. No two are the same.
    if (this.#values?.moment) return noise(chars, n);
    const name = [...n.toString(LETTERS.length)].map((digit) => LETTERS[parseInt(digit, LETTERS.length)]);
    return `${name.join('')}z`.padEnd(chars, 'z');
  }
}

/** A value of the given size as JSON that packs worst: a text in a list. */
function filler(bytes: number): unknown {
  if (bytes < jsonBytes([''])) return [0, [], [0]][Math.max(0, bytes - 1)];
  return ['x'.repeat(bytes - jsonBytes(['']))];
}

/** Any random bytes take what a ciphertext takes. */
function noise(chars: number, n: number): string {
  const bytes = Buffer.alloc(Math.floor((chars * 3) / 4), 0xa5);
  bytes.writeUInt32BE(n, 0);
  return bytes.toString('base64url');
}
