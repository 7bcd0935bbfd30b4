/**
 * From a planned tree to signed tokens, leaves first: a token's signature covers the children that it embeds, so that
 * none can be taken out, put in or exchanged on the way.
 */
import { onDemandOf, type HeldClaims, type MeasuredToken } from '../budget/index.ts';
import { WaybillError } from '../errors.ts';
import { heldClaimsOf, type Plan, type TokenBody, type TokenShape } from '../graph/index.ts';
import type { KeyRing, Signer } from '../keys/index.ts';
import {
  headerOf,
  jtiOf,
  payloadOf,
  sealHeld,
  type AccessTokenClaims,
  type HeldKey,
  type PayloadValues,
} from '../token/index.ts';
import { newBranch, type TreeValues } from './values.ts';

/** Encodes once what every token of a key begins with. */
export class TreeSigner {
  readonly #signer: Signer;
  readonly #issuer: string;
  readonly #header: string;
  readonly #heldKey: HeldKey;
  readonly #heldClaims: HeldClaims;

  constructor(plan: Plan, { signer, heldKeys }: KeyRing, heldClaims: HeldClaims = heldClaimsOf(plan)) {
    this.#signer = signer;
    this.#issuer = plan.issuer.url;
    [this.#heldKey] = heldKeys;
    this.#heldClaims = heldClaims;
    this.#header = base64url(headerOf(signer.alg, signer.kid));
  }

  /** @param exp of the token above: no child outlives its parent. */
  async sign(token: MeasuredToken, values: TreeValues, exp = values.exp): Promise<string> {
    const { shape } = token;
    const ownExp = endOf(shape, values, exp);
    const embedded: [string, string][] = [];
    for (const { branch, token: child } of token.children) {
      embedded.push([branch.callee, await this.sign(child, values, ownExp)]);
    }
    const held = await this.#held(shape, values);
    return this.#compact(payloadOf({ ...this.#own(token, values, ownExp), held }, embedded));
  }

  /** A root that was issued before, children and all, with an id of its own and bound to no key. */
  async unbound(claims: AccessTokenClaims): Promise<string> {
    const { cnf: _, ...rest } = claims;
    return this.#compact({ ...rest, jti: jtiOf(claims.txn, 0, newBranch()) });
  }

  async #compact(payload: object): Promise<string> {
    const input = `${this.#header}.${base64url(payload)}`;
    const signature = await this.#signer.sign(input);
    return `${input}.${Buffer.from(signature).toString('base64url')}`;
  }

  /** What the token itself would say, without its children and what is held for later. Nothing is signed. */
  describe(token: MeasuredToken, values: TreeValues): Readonly<Record<string, unknown>> {
    return { ...payloadOf(this.#own(token, values, endOf(token.shape, values, values.exp)), []) };
  }

  #own({ shape, n }: MeasuredToken, values: TreeValues, exp: number): PayloadValues {
    return {
      iss: this.#issuer,
      aud: shape.audience,
      sub: values.sub,
      clientId: values.client.name,
      scope: shape.scope,
      iat: values.iat,
      exp,
      jti: jtiOf(values.txn, n, values.branch),
      txn: values.txn,
      actor: shape.actor,
      cnf: shape.actor === undefined ? values.cnf : undefined,
      claims: claimValues(shape, values),
      onDemand: onDemandOf(shape),
    };
  }

  /** Claims that the holder's exchanges need and that this token does not carry. */
  async #held(shape: TokenShape, { valueOf }: TreeValues): Promise<string | undefined> {
    const claims = this.#heldClaims(shape.body).flatMap((claim): [string, unknown][] => {
      const value = valueOf(claim);
      return value === undefined ? [] : [[claim.name, value]];
    });
    return claims.length === 0 ? undefined : sealHeld(Object.fromEntries(claims), this.#heldKey);
  }
}

function endOf({ service }: TokenShape, { iat }: TreeValues, exp: number): number {
  return Math.min(exp, iat + (service.lifetime ?? Number.POSITIVE_INFINITY));
}

/**
 * Rule 3: a claim without a value is left out, or fails the request where it is marked.
 *
 * @throws WaybillError `invalid_request`
 */
export function claimValues({ claims, service }: TokenBody, { valueOf }: TreeValues): [string, unknown][] {
  return claims.flatMap(({ claim, required }): [string, unknown][] => {
    const value = valueOf(claim);
    if (value !== undefined) return [[claim.name, value]];
    if (!required) return [];
    throw new WaybillError(
      'invalid_request',
      `${service.name} needs the claim ${claim.name}, which has no value here.`,
    );
  });
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
