/** Edits of a request: its path, its headers, its form, and its bytes. */
import type { Dice } from '../dice.ts';
import { bytesOf, certificateLine, type IssuerRequest, type Line } from '../world/requests.ts';
import { editBytes, editText } from './bytes.ts';

const NAMES = [
  ...['grant_type', 'scope', 'resource', 'audience', 'client_id', 'client_secret', 'token', 'encoding'],
  ...['dpop_jkt'],
  ...['subject_token', 'subject_token_type', 'requested_token_type', 'actor_token', 'assertion', 'x5t#S256'],
  ...['client_assertion', 'client_assertion_type', '__proto__', 'constructor', '', 'token[]', 'a"b'],
  ...['\u00e9'],
];
const VALUES = [
  ...['', ' ', '+', '%', '%zz', '%00', '\u0000', '\ud800', '\ufeff', '"', '\\', '__proto__', 'null'],
  ...['look', 'order'],
  ...['look  order', ' look', 'look\torder', 'LOOK', 'manage', 'https://front.fuzz.example', 'urn:x'],
  ...['web', 'site'],
];
const CONTENT_TYPES = [
  ...['application/json', 'multipart/form-data; boundary=x'],
  ...['application/x-www-form-urlencoded; charset=utf-8'],
  ...['application/x-www-form-urlencoded; charset="UTF-8"'],
  ...['application/x-www-form-urlencoded; charset=utf-16'],
  ...['application/x-www-form-urlencoded;;;', 'Application/X-WWW-Form-Urlencoded ; a=b;c'],
  ...['application/x-www-form-urlencoded,x'],
  ...['', ';', 'application/x-www-form-urlencoded; charset="a\\"b'],
];
const HEADERS: readonly Line[] = [
  ...[
    'Basic',
    'Basic !!!',
    'Basic Og==',
    'Basic OjEyMw==',
    'Bearer x',
    'basic d2ViOg==',
    'Basic d2ViJTo=',
  ].map((value): Line => ['Authorization', value]),
  ...['gzip', 'identity', 'deflate, br'].map((value): Line => ['Content-Encoding', value]),
  ['Transfer-Encoding', 'chunked'],
  ['Expect', '100-continue'],
  ['Content-Length', '0'],
  ['Connection', 'keep-alive, upgrade'],
  ['X-Forwarded-Proto', 'https'],
  ['Cookie', 'a=b'],
];
const PATHS = [
  ...['/', '/token/', '/TOKEN', '//token', '/token?x=1', '/%74oken', '/jwks', '/healthz', '/readyz', '*'],
  ...['/token%00'],
  ...['/.well-known/oauth-authorization-server', '/token/../jwks', 'http://x.example/token'],
  ...['/introspect#x', '/%', '/\u00e9'],
];

function longType(dice: Dice): string {
  const filling = dice.pick([' ', '"', ';', ' ;', '\t']).repeat(dice.pick([10, 400, 12_000]));
  return `application/x-www-form-urlencoded; charset=x${filling}x`;
}

type Edit = (request: IssuerRequest, dice: Dice) => void;

const edits: readonly Edit[] = [
  ({ form }, dice) => void form.push([dice.pick(NAMES), dice.pick(VALUES)]),
  ({ form }, dice) => void form.splice(dice.below(form.length), 1),
  ({ form }, dice) => change(form, dice, ([name]) => [name, dice.pick(VALUES)]),
  ({ form }, dice) => change(form, dice, ([, value]) => [dice.pick(NAMES), value]),
  ({ form }, dice) => change(form, dice, ([name, value]) => [name, editText(value, [value], dice)]),
  ({ form }, dice) => void (form.length > 0 && form.push(dice.pick(form))),
  function long({ form }, dice) {
    const unit = dice.pick(['look ', 'a', '%', 'é', 'https://front.fuzz.example ', 'x '.repeat(40)]);
    form.push([dice.pick(NAMES), unit.repeat(dice.pick([30, 130, 3_000]))]);
  },
  ({ form }, dice) => void form.push(...Array.from({ length: 70 }, (): Line => [dice.pick(NAMES), 'x'])),
  ({ headers }, dice) => void headers.push(dice.pick(HEADERS)),
  ({ headers }, dice) =>
    void headers.push(['Content-Type', dice.oneIn(6) ? longType(dice) : dice.pick(CONTENT_TYPES)]),
  ({ headers }, dice) => void headers.push(certificateLine(dice.pick(['till', 'own', 'other'] as const))),
  ({ headers }, dice) => change(headers, dice, ([name, value]) => [name, editText(value, [value], dice)]),
  ({ headers }, dice) =>
    change(headers, dice, ([name, value]) => [name, `${value}\r\n${dice.pick(HEADERS).join(': ')}`]),
  ({ headers }, dice) => void (headers.length > 0 && headers.push(dice.pick(headers))),
];

/** @returns the bytes of the request, with up to three edits, and sometimes an edit of the bytes themselves. */
export function editedRequest(request: IssuerRequest, dice: Dice): Buffer {
  for (let count = dice.below(4); count > 0; count -= 1) dice.pick(edits)(request, dice);
  const at = dice.oneIn(15) ? { ...request, path: dice.pick(PATHS) } : request;
  const bytes = bytesOf(at);
  return dice.oneIn(8) ? editBytes(bytes, [bytes], dice) : bytes;
}

function change(lines: Line[], dice: Dice, by: (line: Line) => Line): void {
  if (lines.length === 0) return;
  const at = dice.below(lines.length);
  lines[at] = by(lines[at]!);
}
