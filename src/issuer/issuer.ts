/** The issuer: from an authenticated client's request to a signed tree. It knows no HTTP. */
import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../clock.ts';
import { resolveRequest, type ClientPlan, type Plan, type TreeRequest } from '../graph/index.ts';
import type { KeyRing } from '../keys/index.ts';
import { SecretAuthentication, type Credentials } from './authenticate.ts';
import { TreeSigner } from './sign.ts';
import { TreePlans } from './tree-plan.ts';

export interface IssuerOptions {
  readonly plan: Plan;
  readonly keys: KeyRing;
  /** Shared secrets by the client's name. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly clock?: Clock;
}

/** A tree as it was issued, and what may be logged of it. */
export interface IssuedTree {
  /** The root token. Never logged. */
  readonly token: string;
  readonly client: string;
  /** The entry service. */
  readonly entry: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
  readonly txn: string;
  /** Tokens in the tree. */
  readonly tokens: number;
  /** Bytes of the root token. */
  readonly bytes: number;
  /** Seconds. */
  readonly expiresIn: number;
}

export interface Issuer {
  readonly plan: Plan;
  readonly jwks: KeyRing['jwks'];
  /** @throws WaybillError `invalid_client` */
  authenticate(credentials: Credentials): ClientPlan;
  /** @throws WaybillError `invalid_scope`, `invalid_target`, `invalid_request` */
  issue(client: ClientPlan, request: TreeRequest): Promise<IssuedTree>;
}

/**
 * @throws WaybillError `secret_missing`
 */
export function createIssuer({ plan, keys, secrets, clock = systemClock }: IssuerOptions): Issuer {
  const authentication = new SecretAuthentication(plan, secrets);
  const trees = new TreePlans(plan, keys.signer);
  const signer = new TreeSigner(keys.signer);
  return {
    plan,
    jwks: keys.jwks,
    authenticate: (credentials) => authentication.verify(credentials),
    async issue(client, request) {
      const resolved = resolveRequest(plan, client, request);
      const tree = trees.of(resolved);
      const { service } = resolved;
      const expiresIn = Math.min(plan.issuer.lifetime, service.lifetime ?? plan.issuer.lifetime);
      const values = {
        issuer: plan.issuer.url,
        client,
        txn: randomBytes(16).toString('base64url'),
        iat: clock(),
      };
      const token = await signer.sign(tree, values, values.iat + expiresIn);
      return {
        token,
        client: client.name,
        entry: service.name,
        scope: resolved.scopes.map((scope) => scope.name).join(' '),
        txn: values.txn,
        tokens: tree.shape.tokens,
        bytes: token.length,
        expiresIn,
      };
    },
  };
}
