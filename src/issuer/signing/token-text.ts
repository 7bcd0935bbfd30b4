/** The texts of a token that depend on its shape only: the template of its payload, and the names of its callees. */
import { onDemandOf, type HeldClaims } from '../../planning/header-budget/index.ts';
import type { ClaimPlan, TokenShape } from '../../graph/index.ts';
import { PayloadTemplate, jsonText } from '../../token/index.ts';

export interface TokenText {
  readonly template: PayloadTemplate;
  /** Callees in the order of the token's children, their names as JSON without quotes. */
  readonly callees: readonly string[];
  /** Deferred claims: exchanges of the holder need them, and this token does not carry them. */
  readonly held: readonly ClaimPlan[];
}

/** Makes them once for each shape. */
export class TokenTexts {
  readonly #issuer: string;
  readonly #heldClaims: HeldClaims;
  readonly #texts = new WeakMap<TokenShape, TokenText>();

  constructor(issuer: string, heldClaims: HeldClaims) {
    this.#issuer = issuer;
    this.#heldClaims = heldClaims;
  }

  textFor(shape: TokenShape): TokenText {
    const known = this.#texts.get(shape);
    if (known) return known;
    const callees = shape.branches.flatMap((branch) => (branch.shape ? [branch.callee] : []));
    const template = PayloadTemplate.compile({
      iss: this.#issuer,
      aud: shape.audience,
      scope: shape.scope,
      actor: shape.actor,
      claims: shape.claims.map(({ claim }) => claim.name),
      onDemand: onDemandOf(shape),
      callees,
    });
    const names = callees.map((callee) => jsonText(callee).slice(1, -1));
    const text = { template, callees: names, held: this.#heldClaims(shape.body) };
    this.#texts.set(shape, text);
    return text;
  }
}
