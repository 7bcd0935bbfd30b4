/** The graph that the issuers serve, and what its clients know: secrets, a key, and how to ask. */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey } from 'jose';

/** Callees of `bulk`, so that one request costs this many signatures and one more. */
const BULK = 24;
const SECRETS = { WEB: 'web', REF: 'ref', APP: 'app', BULK: 'bulk', SHOP: 'shop' };
/** Seconds. */
const ASSERTION_LIFE = 240;

export type Client = 'web' | 'ref' | 'app' | 'bulk' | 'shop';

export interface GraphParts {
  /** The issuer's. */
  readonly url: string;
  /** The file with the keys of `bot`. */
  readonly keySet: string;
  /** Whether the client `web` may ask for the scope `extra`. Default: false. */
  readonly extra?: boolean;
}

export function graph({ url, keySet, extra = false }: GraphParts): string {
  const auth = (name: keyof typeof SECRETS): string =>
    `auth: { method: client_secret_basic, secret_env: CHAOS_${name} }`;
  const bulk = Array.from({ length: BULK }, (_, index) => `part-${index}`);
  return `waybill: 1
name: chaos
issuer: { url: '${url}', lifetime: 5m }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
clients:
  web: { ${auth('WEB')}, default_scopes: [order], calls: { shop: [browse, order${extra ? ', extra' : ''}] } }
  app: { ${auth('APP')}, calls: { shop: [order] } }
  ref: { ${auth('REF')}, token: opaque, calls: { shop: [order] } }
  bot: { auth: { method: private_key_jwt, jwks_file: '${keySet}' }, calls: { shop: [order] } }
  bulk: { ${auth('BULK')}, calls: { warehouse: [all] } }
services:
  shop:
    ${auth('SHOP')}
    scopes:
      browse: {}
      order: { calls: { payment: [charge], ads: [show] } }
      extra: {}
  payment: { scopes: { charge: {} } }
  ads: { scopes: { show: {} } }
  warehouse: { scopes: { all: { calls: { ${bulk.map((name) => `${name}: [get]`).join(', ')} } } } }
${bulk.map((name) => `  ${name}: { scopes: { get: {} } }`).join('\n')}
`;
}

/** For the environment of an issuer. */
export const secretsEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(SECRETS).map(([name, client]) => [`CHAOS_${name}`, secretOf(client)]),
);

function secretOf(client: string): string {
  return `a secret of ${client} for a run of chaos`;
}

export function basic(client: Client): Readonly<Record<string, string>> {
  const secret = encodeURIComponent(secretOf(client)).replaceAll('%20', '+');
  return { authorization: `Basic ${btoa(`${client}:${secret}`)}`, ...fromSomewhere() };
}

/** Each from another address behind a proxy, so that intended refusals do not look like the guesses of one attacker. */
export function fromSomewhere(): Readonly<Record<string, string>> {
  return { 'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}` };
}

/** The client `bot`, which authenticates with a key of its own (RFC 7523). */
export class Bot {
  readonly #key: CryptoKey;
  #count = 0;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  /** @param keySet the file to which its public key is written. */
  static async make(keySet: string): Promise<Bot> {
    const pair = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(pair.publicKey)), alg: 'ES256', kid: 'bot' };
    writeFileSync(keySet, JSON.stringify({ keys: [jwk] }));
    return new Bot(pair.privateKey);
  }

  /**
   * @param audience the issuer's URL.
   * @param ahead seconds by which the client's clock is ahead.
   */
  async assertion(audience: string, ahead = 0): Promise<string> {
    const now = Math.floor(Date.now() / 1000) + ahead;
    this.#count += 1;
    return new SignJWT({ iss: 'bot', sub: 'bot', aud: audience, jti: `${process.pid}-${this.#count}` })
      .setProtectedHeader({ alg: 'ES256', kid: 'bot' })
      .setIssuedAt(now)
      .setExpirationTime(now + ASSERTION_LIFE)
      .sign(this.#key);
  }
}
