/** A tree signed and encoded plainly: objects, `JSON.stringify`, base64url of each level, the packed coding from the text. */
import { onDemandOf, type MeasuredToken } from '../../../src/planning/header-budget/index.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { claimValues } from '../../../src/issuer/signing/sign.ts';
import type { TreeValues } from '../../../src/issuer/signing/values.ts';
import type { Signer } from '../../../src/issuer/keys/index.ts';
import { headerOf, jtiOf, pack, payloadOf } from '../../../src/token/index.ts';

/** @param held what a token keeps for later, by its number: it is encrypted anew each time. */
export async function signPlainly(
  plan: Plan,
  signer: Signer,
  { shape, n, children }: MeasuredToken,
  values: TreeValues,
  held: ReadonlyMap<number, string>,
  above = values.exp,
): Promise<string> {
  const exp = Math.min(above, values.iat + (shape.service.lifetime ?? Number.POSITIVE_INFINITY));
  const embedded: [string, string][] = [];
  for (const { branch, token } of children)
    embedded.push([branch.callee, await signPlainly(plan, signer, token, values, held, exp)]);
  const payload = payloadOf(
    {
      iss: plan.issuer.url,
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
      held: held.get(n),
    },
    embedded,
  );
  const input = `${base64url(headerOf(signer.alg, signer.kid))}.${base64url(payload)}`;
  return `${input}.${Buffer.from(await signer.sign(input)).toString('base64url')}`;
}

/** As the issuer packs it, from the text alone. */
export function packPlainly(nested: string, tree: MeasuredToken): string {
  const paths = (token: MeasuredToken, path: readonly string[]): (readonly string[])[] =>
    token.children.flatMap(({ branch, token: child }) => {
      const at = [...path, branch.callee];
      const own = child.children.length > 0 && child.shape.service.accepts === 'jwt' ? [at] : [];
      return [...own, ...paths(child, at)];
    });
  return pack(nested, { nestedFor: paths(tree, []) });
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
