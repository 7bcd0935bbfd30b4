/**
 * From a planned tree to signed tokens, leaves first: a token's signature covers the children that it embeds, so that
 * none can be taken out, put in or exchanged on the way.
 */
import { onDemandOf, type MeasuredToken } from '../budget/index.ts';
import { WaybillError } from '../errors.ts';
import type { ClientPlan, TokenShape } from '../graph/index.ts';
import type { Signer } from '../keys/index.ts';
import { headerOf, jtiOf, payloadOf } from '../token/index.ts';

/** What all tokens of a tree share. */
export interface TreeValues {
  readonly issuer: string;
  readonly client: ClientPlan;
  readonly txn: string;
  /** Seconds since the epoch. */
  readonly iat: number;
}

/** Encodes once what every token of a key begins with. */
export class TreeSigner {
  readonly #signer: Signer;
  readonly #header: string;

  constructor(signer: Signer) {
    this.#signer = signer;
    this.#header = base64url(headerOf(signer.alg, signer.kid));
  }

  /** @param exp of the token above: no child outlives its parent. */
  async sign(token: MeasuredToken, values: TreeValues, exp: number): Promise<string> {
    const { shape, n } = token;
    const ownExp = Math.min(exp, values.iat + (shape.service.lifetime ?? Number.POSITIVE_INFINITY));
    const embedded: [string, string][] = [];
    for (const { branch, token: child } of token.children) {
      embedded.push([branch.callee, await this.sign(child, values, ownExp)]);
    }
    const payload = payloadOf(
      {
        iss: values.issuer,
        aud: shape.audience,
        sub: values.client.name,
        clientId: values.client.name,
        scope: shape.scope,
        iat: values.iat,
        exp: ownExp,
        jti: jtiOf(values.txn, n),
        txn: values.txn,
        actor: shape.actor,
        claims: claimValues(shape, values.client),
        onDemand: onDemandOf(shape),
      },
      embedded,
    );
    const input = `${this.#header}.${base64url(payload)}`;
    const signature = await this.#signer.sign(input);
    return `${input}.${Buffer.from(signature).toString('base64url')}`;
  }
}

/** Rule 3: a claim without a value is left out, or fails the request where it is marked. */
function claimValues({ claims, service }: TokenShape, client: ClientPlan): [string, unknown][] {
  return claims.flatMap(({ claim, required }): [string, unknown][] => {
    const value = 'value' in claim.source ? claim.source.value : client.claims.get(claim.name);
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
