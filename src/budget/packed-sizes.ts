/**
 * What tokens weigh packed, before anything is signed. In: measured tokens, and the values that they will carry. Out:
 * for each its size with the body stored, which no packed token of these values exceeds, and its real size.
 *
 * A body says nothing of signatures: they lie behind it as they are. So the real size is known beforehand too, once
 * every other value is: `txn`, `iat`, `exp`. Only `held` is random otherwise; what its parts may take more is added.
 */
import type { ClaimPlan, ServicePlan } from '../graph/index.ts';
import {
  TXN_CHARS,
  THUMBPRINT_CHARS,
  headerOf,
  jtiOf,
  packNode,
  packedBound,
  payloadOf,
  unsignedNode,
  type Confirmation,
  type SignedNode,
  type TokenNode,
} from '../token/index.ts';
import {
  BRANCH_CHARS,
  jsonBytes,
  onDemandOf,
  type Measure,
  type MeasureOptions,
  type MeasuredToken,
} from './measure.ts';

/** What a tree really carries. */
export interface IssuedValues {
  readonly valueOf: (claim: ClaimPlan) => unknown;
  /** Absent: as long as it can take, whatever it will be. */
  readonly moment?: IssuedMoment | undefined;
}

/** What is different in every tree. */
export interface IssuedMoment {
  readonly txn: string;
  readonly branch: string | undefined;
  readonly cnf?: Confirmation | undefined;
  readonly iat: number;
  readonly exp: number;
}

/** No token lives longer; its seconds take as many bytes as those of any shorter life, or more. */
const LONGEST_LIFE = 86_400;
/** Parts of a ciphertext go to the pool unless they have neither digit nor capital: short ones may, once in a thousand. */
const HELD_LUCK = 16;
const LETTERS = 'abcdefghijklmnopqrstuvwxy';

/** Sizes of the tokens of one tree. */
export class PackedSizes {
  readonly #options: MeasureOptions;
  readonly #measure: Measure;
  readonly #values: IssuedValues | undefined;
  readonly #nodes = new Map<MeasuredToken, SignedNode>();
  readonly #root: MeasuredToken;
  readonly #header: object;

  /** @param values absent: the largest that the measure allows. */
  constructor(root: MeasuredToken, measure: Measure, values?: IssuedValues) {
    this.#measure = measure;
    this.#options = measure.options;
    this.#values = values;
    this.#header = headerOf(this.#options.signing.alg, this.#options.signing.kid);
    this.#root = root;
  }

  /** The most bytes that the token takes where it travels packed. */
  bound(token: MeasuredToken): number {
    return token.children.length === 0 ? token.bytes : packedBound(this.node(token));
  }

  /** The bytes that the token will take, where the moment is given. */
  exact(token: MeasuredToken): number {
    if (token.children.length === 0) return token.bytes;
    return packNode(this.node(token)).length + Math.ceil((heldIn(this.node(token)) * HELD_LUCK * 4) / 3);
  }

  /** As it will be, but for its signature. */
  node(token: MeasuredToken): SignedNode {
    if (this.#nodes.size === 0)
      this.#build(this.#root, this.#values?.moment?.exp ?? this.#iat + LONGEST_LIFE);
    const node = this.#nodes.get(token);
    if (!node) throw new TypeError('the token is of another tree');
    return node;
  }

  /** @param parentExp of the token above, which none outlives. */
  #build(token: MeasuredToken, parentExp: number): SignedNode {
    const { shape } = token;
    const { issuer, sub, clientId, signing } = this.#options;
    const moment = this.#values?.moment;
    const txn = moment?.txn ?? 't'.repeat(this.#options.txnChars ?? TXN_CHARS);
    const branch = moment ? moment.branch : this.#options.exchanged ? 'b'.repeat(BRANCH_CHARS) : undefined;
    const exp = endOf(shape.service, this.#iat, parentExp);
    const payload = payloadOf(
      {
        ...{ iss: issuer, aud: shape.audience, sub, clientId, scope: shape.scope, iat: this.#iat, exp, txn },
        jti: jtiOf(txn, token.n, branch),
        actor: shape.actor,
        cnf: this.#confirmation(token),
        claims: shape.claims.flatMap(({ claim }): [string, unknown][] => {
          const value = this.#valueOf(claim);
          return value === undefined ? [] : [[claim.name, value]];
        }),
        onDemand: onDemandOf(shape),
        held: this.#held(token),
      },
      [],
    );
    // As an object has them: names that look like numbers come first.
    const children = Object.entries(
      Object.fromEntries(token.children.map(({ branch: { callee }, token: child }) => [callee, child])),
    ).map(([callee, child]) => [callee, this.#build(child, exp)] as const);
    const node = unsignedNode(this.#header, payload, children, signing.signatureBytes);
    this.#nodes.set(token, node);
    return node;
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

  #confirmation({ shape }: MeasuredToken): Confirmation | undefined {
    const method = this.#options.confirmation;
    if (!method || shape.actor !== undefined || shape.branches.some(({ mode }) => mode === 'forward'))
      return undefined;
    if (this.#values?.moment) return this.#values.moment.cnf;
    return { [method]: 'k'.repeat(THUMBPRINT_CHARS) } as unknown as Confirmation;
  }

  #held({ shape, n }: MeasuredToken): string | undefined {
    const chars = this.#measure.heldChars(this.#options.heldClaims(shape.body));
    if (chars === 0) return undefined;
    // As text it takes most; random, it takes what it will. No two are the same.
    if (this.#values?.moment) return noise(chars, n);
    const name = [...n.toString(LETTERS.length)].map((digit) => LETTERS[parseInt(digit, LETTERS.length)]);
    return `${name.join('')}z`.padEnd(chars, 'z');
  }
}

function endOf({ lifetime }: ServicePlan, iat: number, parentExp: number): number {
  return Math.min(parentExp, iat + (lifetime ?? Number.POSITIVE_INFINITY));
}

/** A value of so many bytes as JSON that nothing shortens: a text in a list takes most. */
function filler(bytes: number): unknown {
  if (bytes < jsonBytes([''])) return [0, [], [0]][Math.max(0, bytes - 1)];
  return ['x'.repeat(bytes - jsonBytes(['']))];
}

/** Random bytes as base64url take what a ciphertext takes, whichever they are. */
function noise(chars: number, n: number): string {
  const bytes = Buffer.alloc(Math.floor((chars * 3) / 4), 0xa5);
  bytes.writeUInt32BE(n);
  return bytes.toString('base64url');
}

/** Tokens that keep claims for later. */
function heldIn(node: TokenNode): number {
  if (node.kind === 'opaque' || node.payload.kind === 'raw') return 0;
  const { names, children } = node.payload;
  return children.reduce((sum, child) => sum + heldIn(child.node), names.includes('held') ? 1 : 0);
}
