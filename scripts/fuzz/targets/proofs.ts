/** DPoP proofs, as the token endpoint and the edge verify them. */
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';

import { compactVerify, importJWK, type JWK } from 'jose';

import { verifyProof, type ProvenRequest } from '../../../src/token/index.ts';
import { parseUrl } from '../../../src/input/url.ts';
import { corpus } from '../corpus/corpus.ts';
import type { Dice } from '../dice.ts';
import { refusal } from '../judge.ts';
import { editDocument } from '../mutate/document.ts';
import { decoded, editJwt, encoded } from '../mutate/jwt.ts';
import { ACCEPTED, Broken, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { fuzzKey } from '../world/keys.ts';
import { FRONT, ISSUER, NOW, openShop, type Shop } from '../world/shop.ts';
import { weakKeys } from './weak-keys.ts';

const ENDPOINT = `${ISSUER}/token`;
const key = fuzzKey('prover');
const ALGORITHMS = ['ES256', 'Ed25519', 'PS256', 'RS256'];
const OLDEST = 60;
const AHEAD = 30;

export const proofs: Target = {
  name: 'proofs',
  reads: 'DPoP proofs, at the token endpoint and at the edge',
  open,
};

async function open(): Promise<OpenTarget> {
  const shop = await openShop();
  const [token = ''] = shop.tokens.trees;
  const edge = { method: 'GET', addresses: [`${FRONT}/orders`], token, now: NOW };
  const endpoint = { method: 'POST', addresses: [ENDPOINT], now: NOW };
  return {
    input: (dice) => Buffer.from(input(edge, endpoint, dice)),
    run: (bytes) => {
      const text = bytes.toString('utf8');
      const [place, ...lines] = text.split('\n');
      return run(lines, place === 'edge' ? edge : endpoint, shop);
    },
  };
}

/** The place, then each header line in a line of its own. */
function input(edge: ProvenRequest, endpoint: ProvenRequest, dice: Dice): string {
  const request = dice.oneIn(2) ? edge : endpoint;
  const proof = dice.oneIn(4)
    ? dice.pick([...corpus.proofs, ...weakKeys(claimsFor(request, dice))])
    : ours(request, dice);
  const options = { others: [...corpus.proofs, ours(endpoint, dice)], forger: key.sign };
  let edited = proof;
  for (let edits = dice.below(3); edits > 0; edits -= 1) edited = editJwt(edited, options, dice);
  const lines = dice.oneIn(20) ? dice.pick([[], [edited, proof], [edited, '']]) : [edited];
  return [request === edge ? 'edge' : 'endpoint', ...lines].join('\n');
}

function claimsFor({ method, addresses: [address = ''], token }: ProvenRequest, dice: Dice): object {
  return {
    jti: `proof ${dice.below(1_000_000)}`,
    htm: dice.oneIn(12) ? dice.pick(['get', 'DELETE', '']) : method,
    htu: dice.oneIn(6) ? dice.pick(oddAddresses(address)) : address,
    iat: NOW + (dice.oneIn(6) ? dice.pick([-61, -60, 30, 31, 0.5, 1e300]) : 0),
    ...(token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }),
  };
}

const oddAddresses = (address: string): string[] => [
  `${address}?x=1`,
  `${address}#x`,
  `${address}/`,
  address.toUpperCase(),
  address.replace('https', 'http'),
  address.replace('.example', '.example:443'),
  address.replace('://', '://user@'),
  address.replace('.example/', '.example/x/../'),
  address.replace('.example/', '.example/%2e%2e/'),
  address.replace('.example', '.example.evil.example'),
  '',
  'urn:x',
];

/** A proof by a key of our own; a wrong claim of it is signed with the rest. */
function ours(request: ProvenRequest, dice: Dice): string {
  const { kty, crv, x } = key.publicJwk;
  const header = { alg: 'Ed25519', typ: 'dpop+jwt', jwk: { kty, crv, x } };
  const [head, body] = [JSON.stringify(header), JSON.stringify(claimsFor(request, dice))].map((text) =>
    dice.oneIn(6) ? editDocument(text, [], dice) : text,
  );
  const signed = `${encoded(head ?? '')}.${encoded(body ?? '')}`;
  return `${signed}.${key.sign(signed)}`;
}

async function run(lines: readonly string[], request: ProvenRequest, { secrets }: Shop): Promise<Outcome> {
  try {
    await verifyProof(lines, request);
  } catch (error) {
    return refusal(error, secrets, lines.join('\n'));
  }
  const [proof = ''] = lines;
  if (lines.length !== 1) throw new Broken('plain path', 'several proofs are accepted');
  await requireProof(proof, request);
  return ACCEPTED;
}

/** RFC 9449 section 4.3, step by step, with jose and `URL`. */
async function requireProof(proof: string, { method, addresses, token, now }: ProvenRequest): Promise<void> {
  const [head = '', body = ''] = proof.split('.');
  const { typ, alg, jwk } = JSON.parse(decoded(head)) as { typ: unknown; alg: string; jwk: JWK };
  const claims = JSON.parse(decoded(body)) as Record<string, unknown>;
  const require = (holds: boolean, what: string): void => {
    if (!holds) throw new Broken('plain path', `a proof is accepted although ${what}`);
  };
  require(typ === 'dpop+jwt' && ALGORITHMS.includes(alg), 'its typ or alg is wrong');
  require(!('d' in jwk), 'its key is private');
  require(await isSignedBy(proof, jwk, alg), 'jose refuses its signature');
  require(isStrong(jwk), `anyone can sign with its ${jwk.kty} key`);
  require(claims['htm'] === method, 'it is for another method');
  require(addresses.some((address) => isSame(String(claims['htu']), address)), 'it is for another address');
  const iat = Number(claims['iat']);
  require(now - OLDEST <= iat && iat <= now + AHEAD, 'its time is wrong');
  const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url');
  require(token === undefined || claims['ath'] === ath, 'it is for another token');
  require(typeof claims['jti'] === 'string', 'it has no jti');
}

async function isSignedBy(proof: string, jwk: JWK, alg: string): Promise<boolean> {
  try {
    await compactVerify(proof, await importJWK(jwk, alg));
    return true;
  } catch {
    return false;
  }
}

/** Without query and fragment (section 4.3, step 9), and normalised as a URL. */
function isSame(htu: string, address: string): boolean {
  const [one, other] = [parseUrl(htu), new URL(address)];
  return one?.origin === other.origin && one.pathname === other.pathname && one.username === '';
}

/**
 * Ed25519 points of low order, in all their encodings but for the sign bit: with one of them as the key, a signature can
 * be written that is valid for many texts, or for all.
 */
const LOW_ORDER: ReadonlySet<string> = new Set([
  ...['00', '01'].map((first) => first + '00'.repeat(31)),
  ...['ec', 'ed', 'ee'].map((first) => `${first}${'ff'.repeat(30)}7f`),
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

function isStrong(jwk: JWK): boolean {
  if (jwk.kty === 'OKP') {
    const point = Buffer.from(jwk.x ?? '', 'base64url');
    point[31]! &= 0x7f;
    return !LOW_ORDER.has(point.toString('hex'));
  }
  if (jwk.kty !== 'RSA') return true;
  const { asymmetricKeyDetails } = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {};
  return modulusLength >= 2_048 && publicExponent >= 3n && publicExponent % 2n === 1n;
}
