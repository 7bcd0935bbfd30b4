/** A shop whose issuer hands trees out again. */

const auth = (name: string) => `auth: { method: client_secret_basic, secret_env: ${name}_SECRET }`;

export interface ReuseParts {
  readonly url?: string;
  /** What stands in `issuer` after the lifetime. Default: `, reuse: 30s`. */
  readonly reuse?: string;
  /** Of the identity provider, under `subjects`. */
  readonly login?: string;
}

/**
 * `web` (itself, or a user of `login`) → shop: [look, buy] and kiosk: [look]; `app` and, opaque, `desk` → shop; buy →
 * payment, whose tokens live for 40 s; buy → mail on demand.
 */
export const reusing = ({
  url = 'https://tokens.example',
  reuse = ', reuse: 30s',
  login = `{ issuer: 'https://login.example', audience: app }`,
}: ReuseParts = {}): string => `
waybill: 1
name: reusing
issuer: { url: '${url}', lifetime: 2m${reuse} }
defaults: { audience: 'https://{name}.example', identity: 'spiffe://example/{name}', headers: { profile: go } }
subjects:
  login: ${login}
clients:
  web:
    ${auth('WEB')}
    grants: [client_credentials, token_exchange]
    subjects: [login]
    calls: { shop: [look, buy], kiosk: [look] }
  app: { ${auth('APP')}, calls: { shop: [look, buy] } }
  desk: { ${auth('DESK')}, token: opaque, calls: { shop: [look, buy] } }
services:
  shop:
    ${auth('SHOP')}
    scopes:
      look: { calls: { pictures: [get] } }
      buy: { calls: { payment: [charge], mail: { scopes: [send], mode: exchange } } }
  kiosk: { scopes: { look: {} } }
  pictures: { scopes: { get: {} } }
  payment: { lifetime: 40s, scopes: { charge: {} } }
  mail: { scopes: { send: {} } }
`;

export const SHOP = 'https://shop.example';
export const KIOSK = 'https://kiosk.example';
