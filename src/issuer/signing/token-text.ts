/** The texts of a token that depend on its shape only: the template of its payload, and the names of its callees. */
import { onDemandOf, type HeldClaims } from '../../planning/header-budget/index.ts';
import type { ClaimPlan, Conjunct, TokenBody, TokenShape } from '../../graph/index.ts';
import { PayloadTemplate, jsonText } from '../../token/index.ts';

export interface TokenText {
  readonly template: PayloadTemplate;
  /** Callees in the order of the token's children, their names as JSON without quotes. */
  readonly callees: readonly string[];
  /** Deferred claims: exchanges of the holder need them, and this token does not carry them. */
  readonly held: readonly ClaimPlan[];
  /** Conditions whose verdicts these exchanges need. */
  readonly heldConjuncts: readonly Conjunct[];
}

/** Makes them once for each shape. */
export function tokenTexts(
  iss: string,
  heldClaims: HeldClaims,
  heldConjuncts: (body: TokenBody) => readonly Conjunct[],
): (shape: TokenShape) => TokenText {
  const texts = new WeakMap<TokenShape, TokenText>();
  return (shape) => {
    const known = texts.get(shape);
    if (known) return known;
    const callees = shape.branches.flatMap((branch) => (branch.shape ? [branch.callee] : []));
    const { audience: aud, scope, actor, service } = shape;
    const claims = shape.claims.map(({ claim }) => claim.name);
    const template = PayloadTemplate.compile({
      ...{ iss, aud, scope, claims, onDemand: onDemandOf(shape), callees },
      act: actor && service.lineage === 'full' ? 'varies' : actor,
    });
    const names = callees.map((callee) => jsonText(callee).slice(1, -1));
    const { body } = shape;
    const held = { held: heldClaims(body), heldConjuncts: heldConjuncts(body) };
    const text = { template, callees: names, ...held };
    texts.set(shape, text);
    return text;
  };
}
