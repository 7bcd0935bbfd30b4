/** Valid requests to the issuer as bytes on a connection, with random parts. */
import { createHash } from 'node:crypto';

import { corpus } from '../corpus/corpus.ts';
import type { Dice } from '../dice.ts';
import { fuzzKey } from './keys.ts';
import { FRONT, ISSUER, NOW, clientKey, secretOf, type Shop } from './shop.ts';

export type Line = readonly [name: string, value: string];
export interface IssuerRequest {
  readonly path: string;
  readonly headers: Line[];
  readonly form: Line[];
}

export const CERTIFICATE_HEADER = 'x-forwarded-client-cert';
/** A placeholder for the issuer's reference in a request, of the same length, because of Content-Length. */
export const REFERENCE = `wbo_${'R'.repeat(43)}`;

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPES = 'urn:ietf:params:oauth:token-type:';
const prover = fuzzKey('prover');

/** How each party authenticates. */
type Authenticate = (name: string, request: IssuerRequest, dice: Dice) => void;

const basic: Authenticate = (name, { headers }) => {
  const pair = [name, secretOf(name)]
    .map((text) => new URLSearchParams([['', text]]).toString().slice(1))
    .join(':');
  headers.push(['Authorization', `Basic ${Buffer.from(pair).toString('base64')}`]);
};
const inBody: Authenticate = (name, { form }) => {
  form.push(['client_id', name], ['client_secret', secretOf(name)]);
};
const assertion: Authenticate = (name, { form }, dice) => {
  const claims = {
    iss: name,
    sub: name,
    aud: ISSUER,
    iat: NOW,
    exp: NOW + 60,
    jti: `assertion ${dice.below(2 ** 30)}`,
  };
  form.push(
    ['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
    ['client_assertion', clientKey.jws(claims, { alg: 'Ed25519', typ: 'JWT', kid: clientKey.kid })],
  );
};
const certificate: Authenticate = (name, { headers, form }) => {
  form.push(['client_id', name]);
  headers.push(certificateLine(name === 'own' ? 'own' : 'till'));
};

const METHODS: Readonly<Record<string, Authenticate>> = {
  ...{ web: basic, kiosk: inBody, site: basic, edge: basic, front: basic, checkout: basic, ads: basic },
  ...{ keyed: assertion, till: certificate, own: certificate },
};
const PARTIES = Object.keys(METHODS);

export function certificateLine(name: keyof typeof corpus.certificates): Line {
  const { pem, chain } = corpus.certificates[name];
  const [own, all] = [pem, chain].map(encodeURIComponent);
  return [
    CERTIFICATE_HEADER,
    `By=spiffe://fuzz.example/proxy;Cert="${own}";Chain="${all}";Subject="CN=${name}"`,
  ];
}

/** A request that usually succeeds. */
export function rightRequest(shop: Shop, dice: Dice): IssuerRequest {
  const party = dice.pick(PARTIES);
  const isService = shop.plan.services.has(party);
  const path = dice.pick(['/token', '/token', '/introspect', '/revoke']);
  const request: IssuerRequest = { path, headers: [], form: [] };
  METHODS[party]!(party, request, dice);
  if (path === '/token') tokenParameters(request, shop, isService ? party : undefined, dice);
  else {
    const { trees, packed, leaves } = shop.tokens;
    request.form.push(['token', dice.pick([...trees, ...packed, ...leaves, REFERENCE, REFERENCE])]);
    if (dice.oneIn(3)) request.headers.push(['Accept', dice.pick(ACCEPTS)]);
  }
  if (dice.oneIn(4)) request.headers.push(['DPoP', dice.oneIn(3) ? dice.pick(corpus.proofs) : proof(dice)]);
  if (dice.oneIn(4)) request.headers.push(['X-Forwarded-For', dice.pick(FORWARDED)]);
  if (dice.oneIn(6)) request.form.push(['encoding', dice.pick(['nested', 'packed'])]);
  return request;
}

const ACCEPTS = [
  'application/jwt',
  'application/token-introspection+jwt',
  'application/json',
  '*/*',
  'text/html',
];
const FORWARDED = [
  ...['10.0.0.1', '2001:db8::1', '1.1.1.1, 10.0.0.6', '1.1.1.1:4001, 10.0.0.6:77', '[2001:db8::1]:80'],
  ...['unknown'],
  ...['::ffff:1.2.3.4', 'fe80::1%eth0', '1.1.1.1,,,', '_hidden', '127.0.0.1, '.repeat(200)],
];

function tokenParameters({ form }: IssuerRequest, shop: Shop, service: string | undefined, dice: Dice): void {
  const { trees, packed } = shop.tokens;
  if (service !== undefined) {
    form.push(
      ['grant_type', TOKEN_EXCHANGE],
      ['subject_token', dice.pick([...trees, ...packed])],
      ['subject_token_type', `${TYPES}access_token`],
      ['audience', dice.pick(['ads', 'checkout', 'pictures'])],
    );
    return;
  }
  if (dice.oneIn(3)) {
    form.push(
      ['grant_type', TOKEN_EXCHANGE],
      ['subject_token', shop.idToken],
      ['subject_token_type', `${TYPES}id_token`],
    );
  } else form.push(['grant_type', 'client_credentials']);
  if (!dice.oneIn(5))
    form.push(['scope', dice.pick(['look', 'order', 'look order', 'manage', 'charge', ''])]);
  if (dice.oneIn(3))
    form.push(['resource', dice.pick([FRONT, 'https://admin.fuzz.example', 'https://x.example'])]);
}

function proof(dice: Dice): string {
  const { kty, crv, x } = prover.publicJwk;
  const claims = { jti: `proof ${dice.below(2 ** 30)}`, htm: 'POST', htu: `${ISSUER}/token`, iat: NOW };
  return prover.jws(claims, { alg: 'Ed25519', typ: 'dpop+jwt', jwk: { kty, crv, x } });
}

/** The bytes of a request. The length is that of the body, whatever else is changed. */
export function bytesOf({ path, headers, form }: IssuerRequest, body?: string): Buffer {
  const text = body ?? form.map((pair) => pair.map(formEncoded).join('=')).join('&');
  const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: tokens.fuzz.example',
    ...(has('content-type') ? [] : ['Content-Type: application/x-www-form-urlencoded']),
    `Content-Length: ${Buffer.byteLength(text, 'latin1')}`,
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`, 'latin1');
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
