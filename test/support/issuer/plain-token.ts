/**
 * Header and payload of an access token, written down from RFC 9068, RFC 8693 and the README, so that what signs and
 * measures tokens is compared with something that shares no line with it. The order of the members is part of the size.
 */
import type { ClaimPlan, ClientPlan, TokenShape } from '../../../src/graph/index.ts';

export interface PlainValues {
  readonly iss: string;
  readonly sub: string;
  readonly client: ClientPlan;
  readonly iat: number;
  readonly exp: number;
  readonly txn: string;
  /** The token's number in its tree, in pre-order from 0. */
  readonly n: number;
  /** Of a tree from an exchange. */
  readonly branch: string | undefined;
  /** Who acted before whoever presents it, the client innermost. Default: the client alone. */
  readonly chain?: PlainActor;
  /** The key of the root. */
  readonly cnf?: unknown;
  /** Of a user; default: there is none. */
  readonly ofSubject?: ((claim: ClaimPlan) => unknown) | undefined;
  /** The encrypted claims. */
  readonly held?: string | undefined;
  /** By callee. */
  readonly embedded: readonly (readonly [string, string])[];
}

export interface PlainActor {
  readonly sub: string;
  readonly act?: PlainActor;
}

/** RFC 8693 section 4.1; a root has no actor. */
export function plainAct(
  { actor, service }: TokenShape,
  { chain, client }: Pick<PlainValues, 'chain' | 'client'>,
): PlainActor | undefined {
  if (actor === undefined) return undefined;
  if (service.lineage === 'caller') return { sub: actor.sub };
  return { sub: actor.sub, act: chain ?? { sub: client.name } };
}

/** The value of a claim: in the graph, of the client, or of the user. */
export function plainValue(
  { name, source }: ClaimPlan,
  { client, ofSubject }: Pick<PlainValues, 'client' | 'ofSubject'>,
): unknown {
  if ('value' in source) return source.value;
  return source.from === 'client' ? client.claims.get(name) : ofSubject?.({ name, source } as ClaimPlan);
}

/** Header and payload as they are signed: `eyJ….eyJ…` */
export function plainInput(alg: string, kid: string, shape: TokenShape, values: PlainValues): string {
  const { iss, sub, client, iat, exp, txn, n, branch, cnf, held, embedded } = values;
  const jti = [txn, ...(branch === undefined ? [] : [branch]), n].join('.');
  const payload: Record<string, unknown> = { iss, aud: shape.audience, sub, client_id: client.name };
  Object.assign(payload, { scope: shape.scope, iat, exp, jti, txn });
  const act = plainAct(shape, values);
  if (act !== undefined) payload['act'] = act;
  else if (cnf !== undefined) payload['cnf'] = cnf;
  for (const { claim } of shape.claims) {
    const value = plainValue(claim, values);
    if (value !== undefined) payload[claim.name] = value;
  }
  const onDemand = shape.branches.filter(({ mode, service }) => mode === 'exchange' && service !== undefined);
  if (onDemand.length > 0)
    payload['on_demand'] = Object.fromEntries(
      onDemand.map(({ callee, service }) => [callee, service?.audience]),
    );
  if (held !== undefined) payload['held'] = held;
  if (embedded.length > 0) payload['embedded'] = Object.fromEntries(embedded);
  return [{ alg, typ: 'at+jwt', kid }, payload].map(base64url).join('.');
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
