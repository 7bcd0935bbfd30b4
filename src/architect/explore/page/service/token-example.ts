/**
 * An example of a token of the request, as far as the graph determines it. Values that only a real request has are in
 * angle brackets.
 */
import {
  actOf,
  audienceOf,
  heldClaimsOf,
  withBranches,
  type Actor,
  type Branch,
  type ClaimPlan,
  type ClientPlan,
  type TokenShape,
} from '../../../../graph/index.ts';
import { headerOf, jtiOf, payloadOf } from '../../../../token/index.ts';
import { resolve } from '../../../../planning/index.ts';
import type { Hop, Planned } from '../request/planned.ts';
import { bytesText } from '../text.ts';

export interface TokenExample {
  readonly header: object;
  readonly payload: object;
}

/** A time that no real token has. */
const ISSUED_AT = 0;
const TXN = '<transaction>';

/** @returns undefined for a call without a token of its own. */
export function tokenExample(planned: Planned, hop: Hop): TokenExample | undefined {
  const { plan, client, asked } = planned;
  if (hop.view.mode === 'none' || hop.view.mode === 'forward') return undefined;
  const resolved = resolve(plan, client.name, asked);
  const shape = shapeAt(hop, resolved);
  if (!shape) return undefined;
  const issued = asIssued(shape, hop);
  const { url, signing } = plan.issuer;
  const held = heldClaimsOf(plan)(issued.body);
  const [subject] = client.subjects;
  const bytes = new Map(hop.view.calls.map((call) => [call.service, call.bytes?.nested]));
  const payload = payloadOf(
    {
      iss: url,
      aud: issued.audience,
      sub: subject ? `${subject.prefix}<subject>` : client.name,
      clientId: client.name,
      scope: issued.scope,
      iat: ISSUED_AT,
      exp: ISSUED_AT + Math.min(client.lifetime, issued.lifetime),
      jti: hop.view.mode === 'exchange' ? jtiOf(TXN, 0, '<random>') : jtiOf(TXN, numberOf(hop)),
      txn: TXN,
      act: actAt(hop, resolved),
      ...(hop.parent === undefined && client.boundTo ? { cnf: confirmationOf(client) } : {}),
      claims: issued.claims.flatMap(({ claim }) => {
        const value = valueOf(claim, client);
        return value === undefined ? [] : [[claim.name, value] as const];
      }),
      onDemand: issued.branches.flatMap(({ mode, callee, service }) =>
        mode === 'exchange' && service ? [[callee, audienceOf(service)] as const] : [],
      ),
      held:
        held.length === 0 ? undefined : `<for the issuer alone: ${held.map(({ name }) => name).join(' ')}>`,
    },
    issued.branches.flatMap(({ mode, callee }) =>
      mode === 'embed' ? [[callee, embeddedText(bytes.get(callee))] as const] : [],
    ),
  );
  return { header: headerOf(signing, '<key id>'), payload };
}

function embeddedText(bytes: number | undefined): string {
  return bytes === undefined ? '<its token>' : `<its token, up to ${bytesText(bytes)} bytes nested>`;
}

/** The shape as declared, found along the path from the entry down. */
function shapeAt(hop: Hop, { shape: root, walk }: ReturnType<typeof resolve>): TokenShape | undefined {
  if (!hop.parent) return root;
  const above = shapeAt(hop.parent, { shape: root, walk } as ReturnType<typeof resolve>);
  const branch = above?.branches.find(({ callee }) => callee === hop.view.service);
  if (!above || !branch) return undefined;
  return branch.shape ?? (branch.service && walk.shape(branch.service, branch.scopes, above.service));
}

/** The actors of the token; none for what a client presents. */
function actAt(hop: Hop, resolved: ReturnType<typeof resolve>): Actor | undefined {
  const shape = shapeAt(hop, resolved);
  const above = hop.parent && actAt(hop.parent, resolved);
  return shape && actOf(shape, above ?? { sub: resolved.client.name });
}

/** With the calls that were moved on demand because the tree would not fit. */
function asIssued(shape: TokenShape, { view }: Hop): TokenShape {
  const moved = new Set(view.calls.filter((call) => call.moved).map((call) => call.service));
  if (moved.size === 0) return shape;
  return withBranches(
    shape,
    shape.branches.map((branch): Branch => {
      return moved.has(branch.callee) ? { ...branch, mode: 'exchange', shape: undefined } : branch;
    }),
  );
}

/** A token's number: its place among the tokens of the tree, callers before callees. */
function numberOf(hop: Hop): number {
  let root = hop;
  while (root.parent) root = root.parent;
  let number = -1;
  const count = (view: Hop['view']): boolean => {
    if (view.bytes) number++;
    return view === hop.view || view.calls.some(count);
  };
  count(root.view);
  return number;
}

function valueOf({ name, source }: ClaimPlan, client: ClientPlan): unknown {
  if ('value' in source) return source.value;
  if (source.from === 'client') return client.claims.get(name);
  if (source.from === 'request')
    return source.setBy === 'client' ? `<${name} of the request>` : `<${name}, which the gateway sets>`;
  return client.subjects.length === 0 ? undefined : `<${source.path} of the user>`;
}

function confirmationOf({ boundTo }: ClientPlan): { jkt: string } | { 'x5t#S256': string } {
  return boundTo === 'certificate' ? { 'x5t#S256': '<certificate>' } : { jkt: '<key of the proof>' };
}
