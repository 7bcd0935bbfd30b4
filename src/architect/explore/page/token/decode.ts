/**
 * Decodes and verifies a pasted token in the browser, with the same code and limits as elsewhere. Returns the tree with
 * a verdict for each token. Sends nothing.
 */
import { WaybillError, isWaybillError, usageError } from '../../../../errors.ts';
import { parseJsonInput } from '../../../../input/json-input.ts';
import {
  keySet,
  parsePastedToken,
  tokenVerifier,
  unfoldPasted,
  verifyTree,
  type PastedToken,
  type TokenTree,
} from '../../../../token/index.ts';

export interface Verdict {
  readonly holds: boolean;
  /** Why it fails; empty if it holds. */
  readonly reason: string;
}

export interface DecodedNode {
  /** Names from the root down. */
  readonly path: string;
  readonly parent: string | undefined;
  readonly tree: TokenTree;
  /** Absent if nothing was verified. */
  readonly verdict: Verdict | undefined;
}

/** A callee whose token is not in the tree: its caller fetches it when needed. */
export interface OnDemandNode {
  readonly path: string;
  readonly parent: string;
  readonly name: string;
  readonly audience: string;
}

/** A child that only its service can open. */
export interface SealedNode extends OnDemandNode {
  readonly bytes: number;
}

export interface Decoded extends Omit<PastedToken, 'tree'> {
  readonly nodes: readonly DecodedNode[];
  readonly sealed: readonly SealedNode[];
  readonly onDemand: readonly OnDemandNode[];
  /** Why nothing was verified; undefined if tokens were verified. */
  readonly unverified: string | undefined;
}

/** Characters; more than any tree that can be issued. */
const MAX_INPUT = 1 << 20;

/**
 * @param keys a JWK Set as text; if it is empty, nothing is verified.
 * @param issuer the required `iss`.
 * @throws WaybillError that says why the token cannot be decoded.
 */
export async function decode(pasted: string, keys: string, issuer: string): Promise<Decoded> {
  if (pasted.length > MAX_INPUT)
    throw usageError(`the input has more than ${MAX_INPUT} characters, which no token has`);
  const { tree, encoding, sizes } = unfoldPasted(parsePastedToken(pasted), MAX_INPUT);
  const { verdicts, unverified } = await verdictsOf(tree, keys, issuer);
  const nodes = nodesOf(tree, verdicts);
  const sealed = nodes.flatMap(sealedOf);
  return { encoding, sizes, unverified, nodes, sealed, onDemand: nodes.flatMap(onDemandOf) };
}

interface Verdicts {
  readonly verdicts: ReadonlyMap<TokenTree, Verdict>;
  readonly unverified: string | undefined;
}

async function verdictsOf(tree: TokenTree, keys: string, issuer: string): Promise<Verdicts> {
  const none = (unverified: string): Verdicts => ({ verdicts: new Map(), unverified });
  if (keys.trim() === '')
    return none("Not verified: paste the issuer's public keys. It publishes them at /jwks.");
  try {
    const resolver = keySet(parsed(keys));
    const verify = tokenVerifier({ issuer, keys: resolver, maxBytes: MAX_INPUT });
    const found = await verifyTree(tree, verify);
    return {
      unverified: undefined,
      verdicts: new Map(
        found.map(({ node, outcome }) => [
          node,
          isWaybillError(outcome) ? { holds: false, reason: outcome.message } : { holds: true, reason: '' },
        ]),
      ),
    };
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    return none(`Not verified: ${error.message}.`);
  }
}

function parsed(keys: string): unknown {
  try {
    return parseJsonInput(keys);
  } catch {
    throw new WaybillError('keys_invalid', 'the keys are not JSON');
  }
}

function nodesOf(root: TokenTree, verdicts: ReadonlyMap<TokenTree, Verdict>): DecodedNode[] {
  const nodes: DecodedNode[] = [];
  const open: { readonly tree: TokenTree; readonly parent: string | undefined }[] = [
    { tree: root, parent: undefined },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { tree, parent } = next;
    const path = parent === undefined ? '/' : below(parent, tree.name);
    nodes.push({ path, parent, tree, verdict: verdicts.get(tree) });
    for (const child of tree.children.toReversed()) open.push({ tree: child, parent: path });
  }
  return nodes;
}

function sealedOf({ path, tree }: DecodedNode): SealedNode[] {
  return tree.sealed.map(({ name, audience, bytes }) => ({
    path: below(path, name),
    parent: path,
    ...{ name, audience, bytes },
  }));
}

function onDemandOf({ path, tree }: DecodedNode): OnDemandNode[] {
  return tree.onDemand.map(({ name, audience }) => ({
    path: below(path, name),
    parent: path,
    name,
    audience: [audience].flat().join(', '),
  }));
}

function below(parent: string, name: string): string {
  return `${parent}${parent === '/' ? '' : '/'}${name}`;
}
