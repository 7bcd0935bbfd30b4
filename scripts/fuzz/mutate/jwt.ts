/** Edits of a JWT: its parts, its header, its claims, its children, and who signs it. */
import type { Dice } from '../dice.ts';
import { editText } from './bytes.ts';
import { editDocument } from './document.ts';

/** Signs `header.payload`; gives the signature in base64url. */
export type Sign = (signed: string) => string;

export interface JwtParts {
  /** Tokens of the same kind, to splice with and to put in the place of children. */
  readonly others: readonly string[];
  /** A signer other than the issuer. */
  readonly forger: Sign;
}

const HEADERS: readonly Readonly<Record<string, unknown>>[] = [
  ...['none', 'HS256', 'RS256', 'ES256', 'EdDSA', 'Ed25519', 'ES256K', ''].map((alg) => ({ alg })),
  ...['JWT', 'dpop+jwt', 'AT+JWT', 'application/at+jwt', '', null, 7].map((typ) => ({ typ })),
  ...['other', '', null, 7, '__proto__', '../key'].map((kid) => ({ kid })),
  { jku: 'https://evil.example/jwks' },
  { x5u: 'https://evil.example/x5u' },
  { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } },
  { crit: ['exp'], exp: 1 },
  { b64: false, crit: ['b64'] },
  { zip: 'DEF' },
];

type Edit = (parts: string[], options: JwtParts, dice: Dice) => string;

const edits: readonly Edit[] = [
  function header([head = '', payload, signature], _options, dice) {
    const changed = { ...headerOf(head), ...dice.pick(HEADERS) };
    return [encoded(JSON.stringify(changed)), payload, signature].join('.');
  },
  function headerText([head = '', payload, signature], _options, dice) {
    return [encoded(editDocument(decoded(head), [], dice)), payload, signature].join('.');
  },
  function claims([head, payload = '', signature], _options, dice) {
    return [head, encoded(editDocument(decoded(payload), [], dice)), signature].join('.');
  },
  function forgedClaims([head = '', payload = ''], { forger }, dice) {
    const signed = `${head}.${encoded(dice.oneIn(4) ? decoded(payload) : editDocument(decoded(payload), [], dice))}`;
    return `${signed}.${forger(signed)}`;
  },
  function signature([head, payload, own = ''], { others }, dice) {
    const other = dice.pick(others).split('.')[2] ?? '';
    return [head, payload, dice.pick(['', other, own.slice(0, -4), own + own, 'A'.repeat(own.length)])].join(
      '.',
    );
  },
  function swappedChild([head, payload = '', signature], { others }, dice) {
    return [head, encoded(withOtherChild(decoded(payload), dice.pick(others), dice)), signature].join('.');
  },
  function partOfAnother(parts, { others }, dice) {
    const at = dice.below(3);
    const changed = [...parts];
    changed[at] = dice.pick(others).split('.')[at] ?? '';
    return changed.join('.');
  },
  function respelled(parts, _options, dice) {
    const at = dice.below(parts.length);
    const changed = [...parts];
    changed[at] = respell(changed[at] ?? '', dice);
    return changed.join('.');
  },
  function layout(parts, { others }, dice) {
    const token = parts.join('.');
    const [protectedHeader = '', payload = '', own = ''] = parts;
    return dice.pick([
      `${token}.`,
      `.${token}`,
      `${token}.${parts[2]}`,
      `${token}.${parts[2]}.${parts[2]}`,
      `${token},${dice.pick(others)}`,
      `${token} ${dice.pick(others)}`,
      JSON.stringify({ protected: protectedHeader, payload, signature: own }),
      parts.join('..'),
      token.toLowerCase(),
    ]);
  },
];

export function editJwt(token: string, options: JwtParts, dice: Dice): string {
  if (dice.oneIn(5)) return editText(token, options.others, dice);
  return dice.pick(edits)(token.split('.'), options, dice);
}

/** base64url in another spelling: most are of the same bytes, and none is canonical. */
export function respell(text: string, dice: Dice): string {
  const at = dice.below(text.length + 1);
  return dice.pick([
    `${text}=`,
    `${text}==`,
    text.replaceAll('-', '+').replaceAll('_', '/'),
    `${text.slice(0, at)}\n${text.slice(at)}`,
    `${text.slice(0, at)} ${text.slice(at)}`,
    `${text.slice(0, at)}%2D${text.slice(at)}`,
    withOtherSpareBits(text),
    `${text}A`,
  ]);
}

/** The last character of an incomplete group has bits that belong to no byte. */
function withOtherSpareBits(text: string): string {
  const last = ALPHABET.indexOf(text.at(-1) ?? '');
  return last < 0 ? text : text.slice(0, -1) + ALPHABET[last ^ 1]!;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function withOtherChild(payload: string, token: string, dice: Dice): string {
  const children = [...payload.matchAll(/"eyJ[\w.-]+"/g)];
  if (children.length === 0) return payload.replace(/\}$/, `,"embedded":{"x":${JSON.stringify(token)}}}`);
  const { index, 0: child } = dice.pick(children);
  return payload.slice(0, index) + JSON.stringify(token) + payload.slice(index + child.length);
}

/** Members that are not objects: an earlier edit may have nested objects deeper than JSON can be written. */
function headerOf(part: string): Record<string, unknown> {
  try {
    const members = Object.entries(JSON.parse(decoded(part)) as object);
    return Object.fromEntries(members.filter(([, value]) => typeof value !== 'object'));
  } catch {
    return {};
  }
}

export function decoded(part: string): string {
  return Buffer.from(part, 'base64url').toString('utf8');
}

export function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
