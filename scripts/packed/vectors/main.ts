/**
 * Writes one of the vectors of the packed coding, with new keys each time.
 * Run: npx tsx scripts/packed/vectors/main.ts packed-v1.1
 */
import { createPrivateKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { CompactSign } from 'jose';
import { generateKey, keyRing, type KeyRecord } from '../../../src/issuer/keys/index.ts';
import { isWaybillError } from '../../../src/errors.ts';
import { isPacked, pack, unpack } from '../../../src/token/index.ts';
import { NOW } from '../../sizes/issuing.ts';
import { refusals, type Refusal } from './refusals.ts';
import { issuedTokens, unusualTokens, type NamedToken } from './tokens.ts';

function signerWith({ jwk, kid, alg }: KeyRecord) {
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return (claims: object | string, header: object = {}): Promise<string> => {
    const payload = typeof claims === 'string' ? claims : JSON.stringify(claims);
    const full = JSON.parse(JSON.stringify({ alg, typ: 'at+jwt', kid, ...header })) as { alg: string };
    return new CompactSign(new TextEncoder().encode(payload)).setProtectedHeader(full).sign(key);
  };
}

function vectorOf({ name, nested, nestedFor }: NamedToken) {
  const packed = pack(nested, { nestedFor });
  if (unpack(packed) !== nested) throw new Error(`${name}: does not come back`);
  const coding = isPacked(packed)
    ? ['stored', 'deflated'][Buffer.from(packed.slice(4), 'base64url')[0]! % 2]
    : 'bare';
  return { name, coding, ...(nestedFor && { nestedFor }), nested, packed };
}

function reasonOf({ name, packed, limits, code }: Refusal): string {
  try {
    unpack(packed, limits);
  } catch (error) {
    if (isWaybillError(error) && error.code === code) return error.message;
    throw error;
  }
  throw new Error(`taken, and should be refused: ${name}`);
}

const clock = (): number => NOW;

/** With every kind of token, and refusals. */
async function firstVectors(): Promise<object> {
  const records = [await generateKey('ES256', clock), await generateKey('Ed25519', clock)] as const;
  const keys = keyRing(records, 'ES256');
  const tokens = [
    ...(await issuedTokens(keys)),
    ...(await unusualTokens(signerWith(records[0]), signerWith(records[1]))),
  ].map(vectorOf);
  const [checkout] = tokens;
  if (!checkout) throw new Error('no tokens');
  const refused = refusals(checkout.packed, checkout.nested).map((refusal) => {
    const { packed, ...rest } = refusal;
    return { ...rest, reason: reasonOf(refusal), packed };
  });
  return {
    format: 'wb1',
    specification: 'schemas/packed.md',
    about:
      'Every token: `packed` unpacks to `nested`, and Waybill packs `nested` to `packed`, but for what another DEFLATE makes of its body; where `coding` is bare, both are the same. `nestedFor` has the paths of the tokens that are marked to travel nested. Every refusal: a reader refuses `packed` with `code`, under `limits` where there are any. Roots of tokens are signed with one of `keys` unless they are no JWTs.',
    keys: keys.jwks.keys,
    tokens,
    refused,
  };
}

/** Trees whose tokens have the whole chain of their actors: they use predictions that revision 1.0 does not have. */
async function lineageVectors(): Promise<object> {
  const keys = keyRing([await generateKey('ES256', clock)], 'ES256');
  return {
    format: 'wb1',
    revision: '1.1',
    specification: 'schemas/packed.md',
    about:
      'Trees of `lineage: full`, as in packed-v1.json. A reader of revision 1.0 refuses each of them and reads none of them wrongly.',
    keys: keys.jwks.keys,
    tokens: (await issuedTokens(keys, 'full')).map(vectorOf),
    refused: [],
  };
}

const VECTORS = { 'packed-v1': firstVectors, 'packed-v1.1': lineageVectors };
const [name = ''] = process.argv.slice(2);
if (!Object.hasOwn(VECTORS, name)) {
  console.error(`Name the vectors to write anew: ${Object.keys(VECTORS).join(' or ')}.`);
  process.exit(2);
}
const vectors = await VECTORS[name as keyof typeof VECTORS]();
const file = new URL(`../../../test/vectors/${name}.json`, import.meta.url);
writeFileSync(file, `${JSON.stringify(vectors, null, 2)}\n`);
