/**
 * The exact size of a token before it is signed. The values give the length of every part of a nested JWT; the length of
 * a signature depends on the key alone.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { MAX_SEAL_KID, SIGNATURE_BYTES, base64urlLength } from '../../protocol.ts';
import {
  actOf,
  audienceOf,
  type Actor,
  type Branch,
  type ClaimPlan,
  type Conjunct,
  type Decision,
  type Lineage,
  type ServicePlan,
  type SigningAlgorithm,
  type TokenBody,
  type TokenShape,
} from '../../graph/index.ts';
import {
  THUMBPRINT_CHARS,
  TXN_CHARS,
  headerOf,
  deferredClaimsLength,
  jtiOf,
  payloadOf,
  sealedLength,
  sealedParts,
  type ConfirmationMethod,
  type SealKeySize,
} from '../../token/index.ts';

/** The parts of a token that depend on the key. */
export interface SigningSize {
  readonly alg: SigningAlgorithm;
  readonly kid: string;
  readonly signatureBytes: number;
  /** Characters of the encoded header. */
  readonly header: number;
  /** Characters of the encoded signature. */
  readonly signature: number;
}

/** Characters of the key ids that Waybill makes. */
const KID_CHARS = 8;
/** Characters that a fetched tree adds to its ids: 64 random bits. */
export const BRANCH_CHARS = 11;

/** @param signatureBytes where the key is known; default: 64, or 256 for RSA (a key of 2048 bits). */
export function signingSize(
  alg: SigningAlgorithm,
  kid = 'k'.repeat(KID_CHARS),
  signatureBytes = SIGNATURE_BYTES[alg],
): SigningSize {
  return {
    alg,
    kid,
    signatureBytes,
    header: base64urlLength(jsonBytes(headerOf(alg, kid))),
    signature: base64urlLength(signatureBytes),
  };
}

/** Bytes of a claim's value as JSON in UTF-8; `undefined` where the claim is left out. */
export type ClaimBytes = (claim: ClaimPlan) => number | undefined;

/** The deferred claims of a token: those that its service needs to fetch other tokens later. */
export type HeldClaims = (body: TokenBody) => readonly ClaimPlan[];

/** A token of one tree, with its number and its size. */
export interface MeasuredToken {
  readonly shape: TokenShape;
  /** Its number in the tree, in pre-order from 0. */
  readonly n: number;
  /** Who presents it, and who acted before; absent on a root. */
  readonly act: Actor | undefined;
  /** Bytes as nested JWT, or as JWE where it is sealed. */
  readonly bytes: number;
  /** Characters of each part where it is sealed to its service. */
  readonly sealed: readonly number[] | undefined;
  readonly children: readonly MeasuredBranch[];
}

interface Verdicts {
  readonly met: readonly string[];
  readonly stepUp: readonly string[];
}

const NO_VERDICTS: Verdicts = { met: [], stepUp: [] };

type PresentedBody = Pick<TokenShape, 'body' | 'actor'>;

const ACT = ',"act":'.length;
/** Bytes. */
const CHAIN_STEP = 32;

export interface MeasuredBranch {
  readonly branch: Branch;
  readonly token: MeasuredToken;
}

/** The values that differ from tree to tree. */
export interface MeasuredValues {
  readonly sub: string;
  readonly clientId: string;
  readonly claimBytes: ClaimBytes;
  /** Seconds that the tree lives at most. Default: any. */
  readonly lifetime?: number | undefined;
  /** How the root is bound to a key; children never are. Default: it is not. */
  readonly confirmation?: ConfirmationMethod | undefined;
  /** On the conditions of the tree. Default: all hold, as the worst case. */
  readonly decision?: Decision | undefined;
}

export interface MeasureOptions extends MeasuredValues {
  readonly issuer: string;
  readonly signing: SigningSize;
  readonly heldClaims: HeldClaims;
  /** The conditions whose verdicts a token keeps for later. Default: none. */
  readonly heldConjuncts?: ((body: TokenBody) => readonly Conjunct[]) | undefined;
  /** The keys to which tokens are sealed. Default: the largest that fit. */
  readonly sealKeyOf?: ((service: ServicePlan) => SealKeySize) | undefined;
  /** What the tokens of a service name, to see what another setting would cost. Default: as the graph says. */
  readonly lineageOf?: (service: ServicePlan) => Lineage;
  /** Whether the graph keeps the lineage of any token, so that sizes depend on the way to it. Default: false. */
  readonly keepsLineage?: boolean;
  /** Whether the tree comes by exchange: its `jti`s are longer. Default: false. */
  readonly exchanged?: boolean;
  /** Characters of `txn`. Default: 22, which is 128 bits. */
  readonly txnChars?: number;
}

/** Digits of the largest number of a token, in a tree of this number of tokens. */
export function digitsOf(tokens: number): number {
  return String(tokens - 1).length;
}

/** Measures trees that carry one set of values. */
export class Measure {
  readonly options: MeasureOptions;
  readonly #payloads = new Map<TokenBody, number>();
  readonly #actors = new WeakMap<Actor, number>();
  /** Payloads with their children, by the largest number of digits and the bytes of the chain above. */
  #worst: Map<number, Map<TokenBody, number>> | undefined;
  /** The chain above a client's own tree. */
  readonly client: Actor;
  readonly #fixed: number;
  readonly #confirmation: number;
  #fetched: Measure | undefined;

  constructor(options: MeasureOptions) {
    this.options = options;
    this.client = { sub: options.clientId };
    this.#fixed = fixedBytes(options);
    this.#confirmation = confirmationBytes(options.confirmation);
  }

  with(options: Partial<MeasureOptions>): Measure {
    return new Measure({ ...this.options, ...options });
  }

  /** The same for what is fetched by exchange. */
  get fetched(): Measure {
    if (this.options.exchanged) return this;
    return (this.#fetched ??= this.with({ exchanged: true }));
  }

  /**
   * The size of a token anywhere in a tree. Equal subtrees are measured once, so the tree is not unfolded.
   *
   * @param digits of the largest number that a token of the tree can have.
   * @param above the chain of the token above it. Default: the client.
   */
  worst(token: PresentedBody, digits: number, above: Actor = this.client): number {
    return this.#worstOf(token, digits, this.#actor(above));
  }

  #worstOf(token: PresentedBody, digits: number, above: number): number {
    const act = this.#actBelow(token, above);
    const presenter = act === undefined ? this.#bound(token.body) : ACT + act;
    return this.signed(this.#worstPayload(token.body, digits, act ?? above) + presenter + digits);
  }

  #carriedAtWorst({ seal }: Branch, shape: TokenShape, digits: number, above: number): number {
    const bytes = this.#worstOf(shape, digits, above);
    return seal ? this.sealedAtWorst(shape.body, bytes) : bytes;
  }

  /** Characters of a token once it is sealed to its service. @param nested characters of the token itself. */
  sealedAtWorst({ service, lifetime }: TokenBody, nested: number): number {
    return sealedLength(this.#sealed(service, nested, Number.isFinite(lifetime)));
  }

  /** @param hasEnd whether it ends before the token that embeds it, and says so. */
  #sealed(service: ServicePlan, nested: number, hasEnd: boolean): readonly number[] {
    const key = (this.options.sealKeyOf ?? largestSealKey)(service);
    return sealedParts(nested, key, service.audience, hasEnd);
  }

  #worstPayload(body: TokenBody, digits: number, chain: number): number {
    // Without lineage no chain matters below. With it, chains of about the same length share the largest of their sizes.
    const counted = this.options.keepsLineage === true ? Math.ceil(chain / CHAIN_STEP) * CHAIN_STEP : 0;
    this.#worst ??= new Map<number, Map<TokenBody, number>>();
    const known = getOrAdd(this.#worst, counted * 16 + digits, () => new Map<TokenBody, number>());
    let bytes = known.get(body);
    if (bytes === undefined) {
      const children = body.branches.flatMap((branch) =>
        branch.shape ? [{ branch, bytes: this.#carriedAtWorst(branch, branch.shape, digits, counted) }] : [],
      );
      bytes = this.#payload(body) + embeddedBytes(children);
      known.set(body, bytes);
    }
    return bytes;
  }

  /**
   * The size of every token of a tree. The caller limits the number of tokens first.
   *
   * @param above the chain of the token above the root. Default: the client.
   * @param isSealed whether the root is sealed.
   */
  exact(root: TokenShape, above: Actor = this.client, isSealed = false): MeasuredToken {
    let next = 0;
    /** @param life seconds that the token above lives; of a root, as long as itself. */
    const measure = (shape: TokenShape, chain: Actor, isSealed: boolean, life: number): MeasuredToken => {
      const n = next++;
      const act = actOf(shape, chain, this.options.lineageOf);
      const own = Math.min(life, shape.lifetime);
      const children = shape.branches.flatMap((branch): MeasuredBranch[] =>
        branch.shape ? [{ branch, token: measure(branch.shape, act ?? chain, branch.seal, own) }] : [],
      );
      const sizes = children.map(({ branch, token }) => ({ branch, bytes: token.bytes }));
      const payload = this.#payload(shape.body) + this.#presenter(shape.body, act) + String(n).length;
      const nested = this.signed(payload + embeddedBytes(sizes));
      const sealed = isSealed ? this.#sealed(shape.service, nested, own < life) : undefined;
      return { shape, n, act, bytes: sealed ? sealedLength(sealed) : nested, sealed, children };
    };
    const { lifetime = Infinity } = this.options;
    return measure(root, above, isSealed, Math.min(lifetime, root.lifetime));
  }

  /**
   * Bytes of a payload without children, calls on demand and deferred claims.
   *
   * @param digits of the token's number.
   */
  own({ body }: TokenShape, digits: number, act: Actor | undefined): number {
    return this.#own(body) + this.#presenter(body, act) + digits;
  }

  /** Bytes that deferred claims add to a payload. */
  held(claims: readonly ClaimPlan[], body: TokenBody): number {
    const chars = this.deferredClaimsLength(claims, body);
    return chars === 0 ? 0 : ',"held":""'.length + chars;
  }

  /** Characters of `held`; 0 if none of the claims has a value, and nothing was decided of conditions. */
  deferredClaimsLength(claims: readonly ClaimPlan[], body: TokenBody): number {
    let text = 0;
    for (const claim of claims) {
      const value = this.options.claimBytes(claim);
      if (value !== undefined) text += ',:'.length + jsonBytes(claim.name) + value;
    }
    const verdicts = this.#verdicts(body);
    if (text === 0 && verdicts.met.length + verdicts.stepUp.length === 0) return 0;
    const bytes = text === 0 ? '{}'.length : text + '{}'.length - 1;
    return deferredClaimsLength(bytes, this.options.signing.kid, verdicts);
  }

  /** In one list they take most. */
  #verdicts(body: TokenBody): Verdicts {
    const { heldConjuncts, decision } = this.options;
    const conjuncts = heldConjuncts?.(body);
    if (conjuncts === undefined || conjuncts.length === 0) return NO_VERDICTS;
    return decision ? decision.listsOf(conjuncts) : { met: conjuncts.map(({ id }) => id), stepUp: [] };
  }

  /** Characters of the token with a payload of so many bytes. */
  signed(payload: number): number {
    const { header, signature } = this.options.signing;
    return header + 1 + base64urlLength(payload) + 1 + signature;
  }

  /** A child names who presents it, a root may name a key. */
  #presenter(body: TokenBody, act: Actor | undefined): number {
    return act === undefined ? this.#bound(body) : ACT + this.#actor(act);
  }

  /** What names the key of a root. One that is forwarded is never bound (rule 7). */
  #bound({ branches }: TokenBody): number {
    return branches.some(({ mode }) => mode === 'forward') ? 0 : this.#confirmation;
  }

  /** Bytes of `act`. @param above bytes of the chain that it nests. @returns undefined for a root, which has none. */
  #actBelow({ actor, body }: PresentedBody, above: number): number | undefined {
    if (actor === undefined) return undefined;
    return this.#actor(actor) + (body.service.lineage === 'full' ? ACT + above : 0);
  }

  #actor(actor: Actor): number {
    let bytes = this.#actors.get(actor);
    if (bytes === undefined) {
      bytes = jsonBytes(actor);
      this.#actors.set(actor, bytes);
    }
    return bytes;
  }

  /** Without presenter, children and the number at the end of `jti`. */
  #payload(body: TokenBody): number {
    let bytes = this.#payloads.get(body);
    if (bytes === undefined) {
      bytes = this.#own(body) + this.held(this.options.heldClaims(body), body);
      const onDemand = onDemandOf(body);
      if (onDemand.length > 0) bytes += ON_DEMAND;
      for (const [callee, audience] of onDemand) bytes += entryBytes(callee, audience);
      this.#payloads.set(body, bytes);
    }
    return bytes;
  }

  #own({ audience, scope, claims }: TokenBody): number {
    let bytes = this.#fixed + jsonBytes(audience) + jsonBytes(scope);
    for (const { claim } of claims) {
      const value = this.options.claimBytes(claim);
      if (value !== undefined) bytes += ',:'.length + jsonBytes(claim.name) + value;
    }
    return bytes;
  }
}

/** What a graph knows of a key: the header is largest with the longest id, a point of two coordinates, and a wrapped key. */
function largestSealKey({ encryption }: ServicePlan): SealKeySize {
  return { alg: encryption?.alg ?? 'ECDH-ES+A256KW', crv: 'P-256', kid: 'k'.repeat(MAX_SEAL_KID) };
}

function confirmationBytes(method: ConfirmationMethod | undefined): number {
  if (method === undefined) return 0;
  return ',"cnf":'.length + jsonBytes({ [method]: 'k'.repeat(THUMBPRINT_CHARS) });
}

/** Bytes that the first child adds to a payload beside itself, without a comma. */
export const EMBEDDED = ',"embedded":{}'.length - 1;
/** Bytes that the first call on demand adds beside its entry, without a comma. */
export const ON_DEMAND = ',"on_demand":{}'.length - 1;

/** A child's name in `embedded`, without the token. */
export function nameBytes(callee: string): number {
  return ','.length + jsonBytes(callee) + ':""'.length;
}

/** An entry of `on_demand`. */
export function entryBytes(callee: string, audience: string | readonly string[]): number {
  return ','.length + jsonBytes(callee) + ':'.length + jsonBytes(audience);
}

function embeddedBytes(children: readonly { branch: Branch; bytes: number }[]): number {
  let sum = children.length === 0 ? 0 : EMBEDDED;
  for (const { branch, bytes } of children) sum += nameBytes(branch.callee) + bytes;
  return sum;
}

/** Bytes that all tokens of a tree have in common; audience and scope are empty. */
function fixedBytes({ issuer, sub, clientId, exchanged = false, txnChars }: MeasureOptions): number {
  // A NumericDate of this century has ten digits.
  const [iat, exp, txn] = [1e9, 1e9, 't'.repeat(txnChars ?? TXN_CHARS)];
  const jti = jtiOf(txn, 0, exchanged ? 'b'.repeat(BRANCH_CHARS) : undefined).slice(0, -1);
  const values = { iss: issuer, aud: '', sub, clientId, scope: '', iat, exp, jti, txn };
  const payload = payloadOf({ ...values, act: undefined, claims: [], onDemand: [] }, []);
  return jsonBytes(payload) - '""'.length * 2;
}

/** Callees whose tokens are fetched on demand, with their audiences. */
export function onDemandOf(
  shape: TokenBody,
): (readonly [callee: string, audience: string | readonly string[]])[] {
  return shape.branches.flatMap(({ mode, callee, service }) =>
    mode === 'exchange' && service ? [[callee, audienceOf(service)] as const] : [],
  );
}

/** Characters that JSON writes as they are, one byte each. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

export function jsonBytes(value: unknown): number {
  if (typeof value === 'string' && PLAIN.test(value)) return value.length + '""'.length;
  return Buffer.byteLength(JSON.stringify(value));
}
