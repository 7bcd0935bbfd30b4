/**
 * Changes of the structure of a tree: children change their place, their name or their tree, tokens say something else, and
 * someone signs the result: nobody, a forger, another token's signature, or the issuer's own key by mistake.
 */
import type { Dice } from '../dice.ts';
import { forgerKey, issuerKey } from '../world/shop.ts';
import type { Forest, Grown, Payload } from '../world/forest.ts';

/** A token that can be changed. */
interface Node {
  readonly grown: Grown;
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
  children: [name: string, child: Node][];
  changed: boolean;
  /** Sealed, and as it stands, whatever is in it. */
  raw?: string | undefined;
}

/** Whose signature a changed token has. */
type Hand = 'kept' | 'forger' | 'other' | 'issuer';

export interface ChangedTree {
  /** Nested. */
  readonly text: string;
  /** What the issuer's key signed by mistake: such a token may be accepted for what it says, its children only as its kin. */
  readonly odd: ReadonlySet<string>;
}

type Edit = (root: Node, forest: Forest, dice: Dice) => Node | void;

const edits: readonly Edit[] = [
  function swapChildren(root, forest, dice) {
    const one = withChildren(root, dice);
    const other = withChildren(dice.oneIn(2) ? root : nodeOf(dice.pick(forest.trees)), dice);
    if (one === undefined || other === undefined) return;
    const [first, second] = [dice.below(one.children.length), dice.below(other.children.length)];
    // Copies: one may be below the other.
    const [child, donor] = [one.children[first]!, other.children[second]!];
    const [mine, theirs] = [copyOf(child[1]), copyOf(donor[1])];
    child[1] = theirs;
    donor[1] = mine;
    one.changed = other.changed = true;
  },
  function addChild(root, forest, dice) {
    const parent = dice.pick(allOf(root));
    const child = nodeOf(dice.pick(forest.tokens));
    parent.children.push([dice.pick(namesIn(forest)), child]);
    parent.changed = true;
  },
  function moveChild(root, _forest, dice) {
    const from = withChildren(root, dice);
    if (from === undefined) return;
    const [moved] = from.children.splice(dice.below(from.children.length), 1);
    const to = dice.pick(allOf(root));
    to.children.push(moved!);
    from.changed = to.changed = true;
  },
  function renameChild(root, forest, dice) {
    const parent = withChildren(root, dice);
    if (parent === undefined) return;
    dice.pick(parent.children)[0] = dice.pick(namesIn(forest));
    parent.changed = true;
  },
  function duplicateChild(root, forest, dice) {
    const parent = withChildren(root, dice);
    if (parent === undefined) return;
    parent.children.push([dice.pick(namesIn(forest)), copyOf(dice.pick(parent.children)[1])]);
    parent.changed = true;
  },
  function dropChild(root, _forest, dice) {
    const parent = withChildren(root, dice);
    parent?.children.splice(dice.below(parent.children.length), 1);
    if (parent) parent.changed = true;
  },
  function promote(root, _forest, dice) {
    return dice.pick(allOf(root));
  },
  function ownMember(root, forest, dice) {
    const node = dice.pick(allOf(root));
    const [member, value] = memberFor(node.payload as Payload, forest, dice);
    node.payload = { ...node.payload, [member]: value };
    if (value === undefined) delete node.payload[member];
    node.changed = true;
  },
  function memberOfAnother(root, forest, dice) {
    const node = dice.pick(allOf(root));
    const { embedded: _children, ...others } = dice.pick(forest.tokens).payload;
    const member = dice.pick(Object.keys(others));
    node.payload = { ...node.payload, [member]: others[member] };
    node.changed = true;
  },
  function payloadOfAnother(root, forest, dice) {
    const node = dice.pick(allOf(root));
    const { embedded: _children, ...others } = dice.pick(forest.tokens).payload;
    node.payload = { ...others };
    node.changed = true;
  },
  function stripSeal(root, _forest, dice) {
    const sealed = allOf(root).filter(({ raw }) => raw !== undefined);
    if (sealed.length > 0) dice.pick(sealed).raw = undefined;
  },
  function otherSealed(root, { opened }, dice) {
    const node = dice.pick(allOf(root));
    node.raw = dice.pick([...opened.keys()]);
  },
  function header(root, _forest, dice) {
    const node = dice.pick(allOf(root));
    node.header = { ...node.header, ...dice.pick(HEADERS) };
    node.changed = true;
  },
];

const HEADERS: readonly Readonly<Record<string, unknown>>[] = [
  { kid: forgerKey.kid },
  { kid: undefined },
  { kid: ['fuzz-issuer'] },
  { alg: 'none' },
  { alg: 'HS256' },
  { alg: 'EdDSA' },
  { typ: 'JWT' },
  { typ: undefined },
  { jwk: forgerKey.publicJwk },
  { crit: ['exp'] },
  { b64: false, crit: ['b64'] },
  { x5c: ['AAAA'] },
];

/** Changes a tree up to three times, and signs it. */
export function changedTree(tree: Grown, forest: Forest, dice: Dice): ChangedTree {
  let root = nodeOf(tree);
  for (let times = dice.below(4); times > 0; times -= 1) root = dice.pick(edits)(root, forest, dice) ?? root;
  const hand = dice.pick<Hand>(['kept', 'kept', 'kept', 'forger', 'forger', 'other', 'issuer', 'issuer']);
  const odd = new Set<string>();
  const borrowed = dice.pick(forest.tokens).text;
  return { text: textOf(root, hand, borrowed, odd), odd };
}

function textOf(node: Node, hand: Hand, borrowed: string, odd: Set<string>): string {
  if (node.raw !== undefined && !node.changed) return node.raw;
  const children = node.children.map(([name, child]) => [name, textOf(child, hand, borrowed, odd)] as const);
  const isSame =
    !node.changed &&
    children.every(([name, text]) => node.grown.children.get(name)?.carried === text) &&
    children.length === node.grown.children.size;
  if (isSame) return node.grown.text;
  const embedded = children.length === 0 ? {} : { embedded: Object.fromEntries(children) };
  const signed = [node.header, { ...node.payload, ...embedded }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const text = `${signed}.${signatureBy(hand, signed, node, borrowed)}`;
  if (hand === 'issuer') odd.add(text);
  return text;
}

function signatureBy(hand: Hand, signed: string, { grown }: Node, borrowed: string): string {
  switch (hand) {
    case 'kept':
      return signatureOf(grown.text);
    case 'other':
      return signatureOf(borrowed);
    case 'forger':
      return forgerKey.sign(signed);
    case 'issuer':
      return issuerKey.sign(signed);
  }
}

function signatureOf(text: string): string {
  return text.slice(text.lastIndexOf('.') + 1);
}

function nodeOf(grown: Grown): Node {
  const { embedded: _children, ...payload } = grown.payload;
  return {
    grown,
    header: { alg: 'Ed25519', typ: 'at+jwt', kid: issuerKey.kid },
    payload: { ...payload },
    children: [...grown.children].map(([name, child]) => [name, nodeOf(child)]),
    changed: false,
    raw: grown.carried === grown.text ? undefined : grown.carried,
  };
}

function copyOf(node: Node): Node {
  return { ...node, children: node.children.map(([name, child]) => [name, copyOf(child)]) };
}

/** A node and those below it. */
function allOf(root: Node): Node[] {
  return [root, ...root.children.flatMap(([, child]) => allOf(child))];
}

function withChildren(root: Node, dice: Dice): Node | undefined {
  const parents = allOf(root).filter(({ children }) => children.length > 0);
  return parents.length === 0 ? undefined : dice.pick(parents);
}

function namesIn({ plan }: Forest): readonly string[] {
  return [...plan.services.keys()];
}

function memberFor(payload: Payload, forest: Forest, dice: Dice): [name: string, value: unknown] {
  const { plan } = forest;
  const service = dice.pick([...plan.services.values()]);
  const { act } = payload;
  switch (dice.below(14)) {
    case 0:
      return ['scope', [...service.scopes.keys()].join(' ')];
    case 1:
      return ['scope', `${payload.scope} ${dice.pick([...service.scopes.keys()])}`];
    case 2:
      return ['aud', service.audience];
    case 3:
      return ['aud', [payload.aud, service.audience]];
    case 4:
      return ['act', undefined];
    case 5:
      return ['act', { sub: service.identity }];
    case 6:
      return ['act', { ...act, act: { sub: service.identity } }];
    case 7:
      return ['act', act?.act];
    case 8:
      return ['exp', payload.exp + dice.pick([1, 60, 1e6])];
    case 9:
      return ['sub', dice.pick(['alice', 'bob', 'web', 'kiosk'])];
    case 10:
      return ['amount', dice.pick([0, 1, 1250, '1250'])];
    case 11:
      return ['on_demand', { ...payload.on_demand, [service.name]: service.audience }];
    case 12:
      return ['cnf', { jkt: 'x'.repeat(43) }];
    default:
      return ['client_id', dice.pick([...plan.clients.keys()])];
  }
}
