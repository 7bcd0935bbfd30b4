/** JWK Sets, bundles, key files and discovery documents, at each of their readers. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { JWK } from 'jose';

import { readKeySets } from '../../../src/cli/serving/key-sets.ts';
import { atOnce } from '../../../src/planning/slices.ts';
import { issuerKeys } from '../../../src/discovery/index.ts';
import { readAuthorities, readSvidKeys } from '../../../src/identity/index.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { readKeyFile } from '../../../src/issuer/keys/index.ts';
import { tokenVerifier } from '../../../src/token/index.ts';
import { corpus } from '../corpus/corpus.ts';
import type { Dice } from '../dice.ts';
import { refusal } from '../judge.ts';
import { editDocument } from '../mutate/document.ts';
import { ACCEPTED, Broken, refusedAs, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { fuzzKey } from '../world/keys.ts';
import { scratchGraph, type ScratchGraph } from '../world/scratch-graph.ts';
import {
  ISSUER,
  LOGIN,
  NOW,
  clientKey,
  clientOf,
  clock,
  issuerKey,
  keySets as partyKeySets,
  loginKey,
  openShop,
  type Shop,
} from '../world/shop.ts';

export const keySets: Target = {
  name: 'key-sets',
  reads: 'JWK Sets, bundles and metadata of the issuer, of providers and of clients; the key file',
  open,
};

/** Between the documents of one input. */
const NEXT = '\n\u001e\n';
const METADATA = `${ISSUER}/.well-known/oauth-authorization-server`;
/** Members that only private and symmetric keys have. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'];

/** A reader of a document. @returns whether it found a usable key. */
type Reader = (documents: readonly string[]) => Promise<Outcome>;

async function open(): Promise<OpenTarget> {
  const shop = await openShop();
  const scratch = scratchGraph();
  const readers: Readonly<Record<string, Reader>> = {
    issuer: (documents) => readIssuer(documents, shop),
    provider: ([set = '']) => readProvider(set, shop),
    client: ([set = '']) => readClient(set, shop, scratch),
    bundle: ([bundle = '']) => readBundle(bundle),
    keys: ([file = '']) => readKeys(file, scratch),
  };
  return {
    input: (dice) => Buffer.from(input(dice)),
    run: async (bytes) => {
      const [kind = '', ...rest] = bytes.toString('utf8').split('\n');
      const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
      if (!reader) return refusedAs('no_reader');
      try {
        return await reader(rest.join('\n').split(NEXT));
      } catch (error) {
        return refusal(error, shop.secrets);
      }
    },
    close: async () => scratch.close(),
  };
}

const set = (...keys: readonly object[]): string => JSON.stringify({ keys });

const weakRsa = {
  kty: 'RSA',
  kid: 'rsa',
  alg: 'RS256',
  e: 'AQAB',
  n: Buffer.alloc(256, 0xff).toString('base64url'),
};
const { alg: _alg, ...withoutAlgorithm } = clientKey.publicJwk;
const seeds: Readonly<Record<string, readonly (readonly string[])[]>> = {
  issuer: [
    [
      JSON.stringify({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks`, token_endpoint: `${ISSUER}/token` }),
      set(weakRsa, issuerKey.publicJwk),
    ],
  ],
  provider: [[set(loginKey.publicJwk)], [set(weakRsa, loginKey.publicJwk, clientKey.publicJwk)]],
  client: [
    [set(clientKey.publicJwk)],
    [set(loginKey.publicJwk, clientKey.publicJwk, weakRsa)],
    [set(withoutAlgorithm)],
  ],
  bundle: [
    [
      JSON.stringify({
        spiffe_sequence: 1,
        spiffe_refresh_hint: 300,
        keys: [
          { kty: 'EC', use: 'x509-svid', x5c: [corpus.authority] },
          { ...weakRsa, use: 'jwt-svid' },
        ],
      }),
    ],
  ],
  keys: [
    [
      set(
        { ...issuerKey.privateJwk, status: 'active', created: NOW - 100 },
        { ...fuzzKey('retired').privateJwk, status: 'retired', created: NOW - 200, retired: NOW - 100 },
      ),
    ],
  ],
};

/** The reader, and its documents. */
function input(dice: Dice): string {
  const kind = dice.pick(Object.keys(seeds));
  const all = Object.values(seeds).flat(2);
  const documents = [...dice.pick(seeds[kind] ?? [])];
  for (let edits = dice.below(4); edits > 0; edits -= 1) {
    const at = dice.below(documents.length);
    documents[at] = editDocument(documents[at] ?? '', all, dice);
  }
  return `${kind}\n${documents.join(NEXT)}`;
}

/** The extractor's way: metadata, the keys that it leads to, and a token that one of them signed. */
async function readIssuer([metadata = '', keys = '']: readonly string[], { tokens }: Shop): Promise<Outcome> {
  const asked: string[] = [];
  const fetch = async (address: string): Promise<Response> => {
    asked.push(address);
    return new Response(address === METADATA ? metadata : keys);
  };
  const [token = ''] = tokens.trees;
  const resolver = issuerKeys({
    issuer: ISSUER,
    jwksUri: undefined,
    fetch,
    timeout: 5_000,
    cooldown: 0,
    keysMaxAge: 600,
  });
  await tokenVerifier({ issuer: ISSUER, keys: resolver, clock })(token);
  const { issuer, jwks_uri: uri } = parsed(metadata);
  const { protocol, hostname } = new URL(String(uri));
  const isSecure = protocol === 'https:' || /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  if (issuer !== ISSUER || asked[1] !== uri || !isSecure)
    throw new Broken('plain path', 'keys are fetched from where the metadata does not say');
  requireListed(keys, issuerKey.publicJwk, 'an issuer');
  return ACCEPTED;
}

async function readProvider(keys: string, shop: Shop): Promise<Outcome> {
  const fetch = async (): Promise<Response> => new Response(keys);
  const issuer = shop.issuer({ fetch });
  const web = clientOf(shop.plan, 'web');
  await issuer.issueFor(web, { token: shop.idToken, type: 'id_token' }, { scopes: ['look'], resources: [] });
  requireListed(keys, loginKey.publicJwk, LOGIN, { mayBePrivate: true });
  return ACCEPTED;
}

/** From a file, as the program reads it, to an assertion that one of its keys signed. */
async function readClient(keys: string, shop: Shop, { folder }: ScratchGraph): Promise<Outcome> {
  const file = path.join(folder, 'keyed.jwks');
  writeFileSync(file, keys);
  const read = atOnce(readKeySets(withKeyFile(shop.plan, file), undefined)).keySets.get('keyed');
  const own = partyKeySets();
  own.delete('keyed');
  const issuer = shop.issuer({ keySets: read === undefined ? own : own.set('keyed', read) });
  const claims = { iss: 'keyed', sub: 'keyed', aud: ISSUER, iat: NOW, exp: NOW + 60, jti: 'one' };
  const assertion = clientKey.jws(claims, { alg: 'Ed25519', typ: 'JWT', kid: clientKey.kid });
  await issuer.authenticate({ method: 'private_key_jwt', clientId: undefined, assertion });
  requireListed(keys, clientKey.publicJwk, 'a client');
  return ACCEPTED;
}

/** The same plan, with the file in the place that it has here. */
function withKeyFile(plan: Plan, file: string): Plan {
  const keyed = clientOf(plan, 'keyed');
  const { auth } = keyed;
  if (!('keys' in auth)) throw new TypeError('the client has no key set');
  return {
    ...plan,
    clients: new Map([['keyed', { ...keyed, auth: { ...auth, keys: { file } } }]]),
  };
}

async function readBundle(text: string): Promise<Outcome> {
  const document = parsedOrNothing(text);
  const [authorities, keys] = [readAuthorities(document), readSvidKeys(document)];
  if (authorities === undefined && keys === undefined) return refusedAs('no_bundle');
  const listed = (parsed(text)['keys'] as readonly Record<string, unknown>[]).filter(isObject);
  const count = (use: string): number => listed.filter((key) => key['use'] === use).length;
  if ((authorities?.length ?? 0) > count('x509-svid') || (keys?.size ?? 0) > count('jwt-svid'))
    throw new Broken('plain path', 'a bundle gives more keys than it lists');
  if (keys && listed.some((key) => key['use'] === 'jwt-svid' && PRIVATE.some((member) => member in key)))
    throw new Broken('plain path', 'a bundle with a private key is accepted');
  return ACCEPTED;
}

async function readKeys(text: string, { folder }: ScratchGraph): Promise<Outcome> {
  const file = path.join(folder, 'keys.json');
  writeFileSync(file, text, { mode: 0o600 });
  const records = readKeyFile(file) ?? [];
  const listed = parsed(readFileSync(file, 'utf8'))['keys'] as readonly unknown[];
  if (records.length > listed.length)
    throw new Broken('plain path', 'a key file gives more keys than it lists');
  return ACCEPTED;
}

/** A key that verified a signature is in the set, with the same id; and the set has no private key. */
function requireListed(
  text: string,
  key: JWK,
  whose: string,
  { mayBePrivate = false }: { readonly mayBePrivate?: boolean } = {},
): void {
  const listed = (parsed(text)['keys'] as readonly JWK[]).filter(isObject);
  const point = (x: unknown): string => Buffer.from(String(x), 'base64url').toString('hex');
  if (!listed.some(({ x, crv }) => crv === key.crv && point(x) === point(key.x)))
    throw new Broken('plain path', `a key of ${whose} verifies that its set does not list`);
  if (!mayBePrivate && listed.some((one) => PRIVATE.some((member) => Object.hasOwn(one, member))))
    throw new Broken('plain path', `a set of ${whose} with a private key is accepted`);
}

function isObject(value: unknown): value is JWK {
  return typeof value === 'object' && value !== null;
}

/** A byte order mark may be passed over (RFC 8259 section 8.1). */
function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text.replace(/^\ufeff/, '')) as Record<string, unknown>;
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
