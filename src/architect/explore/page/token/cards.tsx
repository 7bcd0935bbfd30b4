/** Cards of a decoded tree: one for each token, sealed ones too, and a dashed one for each callee whose token is fetched when needed. */
import type { JSX } from 'preact';
import type { Plan } from '../../../../graph/index.ts';
import { bytesText } from '../text.ts';
import type { DiagramNode } from '../tree/diagram.tsx';
import type { Decoded, DecodedNode, OnDemandNode, SealedNode } from './decode.ts';

const CARD = { width: 236, height: 70 };
const SMALL_CARD = { width: 236, height: 48 };

/** @param plan names the root's service, and the claims of the graph. */
export function tokenCards({ nodes, sealed, onDemand }: Decoded, plan: Plan | undefined): DiagramNode[] {
  const claims = claimsOf(plan);
  // After all tokens, so that they appear below their siblings.
  const read = nodes.map((node) => tokenCard(node, plan, claims));
  return [...read, ...sealed.map(sealedCard), ...onDemand.map(onDemandCard)];
}

function claimsOf(plan: Plan | undefined): ReadonlySet<string> {
  const services = [...(plan?.services.values() ?? [])];
  const needs = services.flatMap(({ claims, scopes }) => [
    ...claims,
    ...[...scopes.values()].flatMap((scope) => scope.claims),
  ]);
  return new Set(needs.map(({ claim }) => claim.name));
}

function tokenCard(
  { path, parent, tree, verdict }: DecodedNode,
  plan: Plan | undefined,
  declared: ReadonlySet<string>,
): DiagramNode {
  const standing = verdict ? (verdict.holds ? 'holds' : 'fails') : 'unknown';
  const said = verdict ? (verdict.holds ? 'verified' : verdict.reason) : 'not verified';
  const claims = Object.keys(tree.payload).filter((name) => declared.has(name));
  return {
    id: path,
    parent,
    ...CARD,
    line: 'embed',
    className: standing,
    content: (
      <>
        <Head name={nameOf(tree, plan)} audience={[tree.claims.aud].flat().join(' ')} />
        <span class="scopes" title={tree.claims.scope}>
          {tree.claims.scope}
          {claims.length > 0 && <span class="claims"> {`{${claims.join(' ')}}`}</span>}
        </span>
        <span class="verdict-line">
          <span class={`verdict ${standing}`} title={said}>
            {said}
          </span>
          <span class="muted">{bytesText(tree.bytes)} B</span>
        </span>
      </>
    ),
  };
}

function sealedCard({ path, parent, name, audience, bytes }: SealedNode): DiagramNode {
  return {
    id: path,
    parent,
    ...SMALL_CARD,
    line: 'embed',
    className: 'unknown',
    content: (
      <>
        <Head name={name} audience={audience} />
        <span class="muted">sealed to its service, {bytesText(bytes)} B</span>
      </>
    ),
  };
}

function onDemandCard({ path, parent, name, audience }: OnDemandNode): DiagramNode {
  return {
    id: path,
    parent,
    ...SMALL_CARD,
    line: 'exchange',
    className: 'exchange',
    content: (
      <>
        <Head name={name} audience={audience} />
        <span class="muted">fetched when needed</span>
      </>
    ),
  };
}

function Head({ name, audience }: { name: string; audience: string }): JSX.Element {
  return (
    <span class="card-head">
      <b class="name" title={audience}>
        {name}
      </b>
    </span>
  );
}

/** Parents name their children; the root has only its audience. */
function nameOf({ name, claims }: DecodedNode['tree'], plan: Plan | undefined): string {
  if (name !== '') return name;
  const audiences = [claims.aud].flat();
  const service = [...(plan?.services.values() ?? [])].find((each) =>
    each.audiences.some((own) => audiences.includes(own)),
  );
  return service?.name ?? audiences.join(' ').replace(/^https?:\/\//, '');
}
