/** An issuer whose clients and services authenticate with keys of their own, and assertions that a test may bend. */
import { expect } from 'chai';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';

import { createIssuer, type AttemptLimits, type IssuerOptions } from '../../../src/issuer/index.ts';
import { listen, type Answer } from '../http.ts';
import { firstStore, PATIENT, keysFor, secretsFor } from './issue.ts';
import { startIssuer, type TestIssuer } from './start.ts';

/** RFC 7523 section 2.2. */
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface Pair {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
}

export async function pair(alg: string, kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg },
    privateJwk: { ...(await exportJWK(privateKey)), kid, alg },
  };
}

const keyed = (url: string, jwksUri: string) => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
clients:
  web:
    auth: { method: private_key_jwt, jwks_file: web.jwks }
    calls: { orders: [place] }
  app:
    auth: { method: private_key_jwt, jwks_uri: '${jwksUri}' }
    calls: { orders: [place] }
  kiosk:
    auth: { method: client_secret_basic, secret_env: KIOSK }
    calls: { orders: [place] }
services:
  orders:
    auth: { method: private_key_jwt, jwks_file: orders.jwks }
    scopes: { place: { calls: { payment: { scopes: [charge], mode: exchange } } } }
  payment: { scopes: { charge: {} } }
`;

export interface Bent {
  readonly claims?: JWTPayload & Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: Pair;
  readonly client?: string;
}

export interface KeyedIssuer {
  readonly issuer: TestIssuer;
  /** Keys of the client `web` and the service `orders`, from files, and of the client `app`, from an address. */
  readonly web: Pair;
  readonly orders: Pair;
  readonly remote: Pair;
  /** What that address publishes; it answers 503 where there is nothing. */
  published: JWK[];
  readonly jwksUri: string;
  /** How often the address was asked. */
  fetches(): number;
  /** What the issuer was made with; a reload keeps it. */
  readonly options: Partial<IssuerOptions> & { readonly keySets: Map<string, unknown> };
  /** The issuer as it is after a reload. */
  reload(): Promise<void>;
  /** An assertion that is right in every respect but those that are bent; undefined takes a member away. */
  readonly assertion: (bent?: Bent) => Promise<string>;
  /** POST /token with the assertion; `more` replaces parameters. */
  readonly ask: (assertion: string, more?: Readonly<Record<string, string>>) => Promise<Answer>;
}

/** Ended by `stopIssuers` and `closeServers`. */
export async function startKeyedIssuer(attempts: AttemptLimits = PATIENT): Promise<KeyedIssuer> {
  const [web, orders, remote] = await Promise.all([
    pair('ES256', 'w1'),
    pair('Ed25519', 'o1'),
    pair('PS256', 'r1'),
  ]);
  let fetches = 0;
  const address = await listen((_request, response) => {
    fetches += 1;
    const { published } = keyedIssuer;
    response.writeHead(published.length > 0 ? 200 : 503).end(JSON.stringify({ keys: published }));
  });
  const jwksUri = `${address}/jwks`;
  const options = {
    attempts,
    store: firstStore(),
    keySets: new Map<string, unknown>([
      ['web', { keys: [web.publicJwk] }],
      ['orders', { keys: [orders.publicJwk] }],
    ]),
  };
  const issuer = await startIssuer((url) => keyed(url, jwksUri), { issuer: options });
  const { plan } = issuer;
  let count = 0;
  const keyedIssuer: KeyedIssuer = {
    ...{ issuer, web, orders, remote, jwksUri, options },
    published: [remote.publicJwk],
    fetches: () => fetches,
    async reload() {
      const keys = await keysFor(plan.issuer.signing);
      issuer.issuer = createIssuer({ plan, keys, secrets: secretsFor(plan), ...options });
    },
    assertion: async ({ claims = {}, header = {}, key = web, client = 'web' } = {}) => {
      count += 1;
      const right = { iss: client, sub: client, aud: issuer.url, jti: `j${count}`, exp: now() + 60 };
      const { kid, alg } = key.publicJwk;
      const protectedHeader = JSON.parse(JSON.stringify({ alg, kid, ...header })) as { alg: string };
      return new SignJWT(JSON.parse(JSON.stringify({ ...right, ...claims })) as JWTPayload)
        .setProtectedHeader(protectedHeader)
        .sign(key.privateKey);
    },
    ask: (client_assertion, more = {}) =>
      issuer.token({
        grant_type: 'client_credentials',
        client_assertion_type: JWT_BEARER,
        client_assertion,
        ...more,
      }),
  };
  return keyedIssuer;
}

export const now = (): number => Math.floor(Date.now() / 1000);

/** RFC 6749 section 5.2. */
export function expectRefused(answer: Answer, says: RegExp): void {
  expect(answer.status, answer.text).to.equal(401);
  expect(answer.body['error']).to.equal('invalid_client');
  expect(answer.body['error_description']).to.match(says);
}
