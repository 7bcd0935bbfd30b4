/** A shop whose clients' tokens are bound to a key, each in its own way. */

const auth = (name: string, method = 'client_secret_basic') =>
  `auth: { method: ${method}, secret_env: ${name}_SECRET }`;

export interface BoundParts {
  readonly url: string;
  /** Audience of shop, so that its address can be one. */
  readonly shop?: string;
  /** More of shop. */
  readonly more?: string;
}

/**
 * `free` (bound only where it asks for it), `app` (always, DPoP), `web` (the same, opaque), `guest` (opaque, bound where
 * it asks for it), `till` (always, certificate; opaque: `desk`; by certificate: `pos`), `booth` (by certificate) → shop: [browse, order]; order → payment embedded,
 * audit on demand. `free` → kiosk: [look, note], and note forwards to log. `edge` is the gateway before shop.
 */
export const boundShop = ({ url, shop = SHOP, more = '' }: BoundParts): string => `
waybill: 1
name: bound
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.example', identity: 'spiffe://example/{name}', headers: { profile: go } }
clients:
  free: { ${auth('FREE')}, calls: { shop: [browse, order], kiosk: [look, note] } }
  app: { ${auth('APP')}, dpop_bound_access_tokens: true, calls: { shop: [browse, order] } }
  web: { ${auth('WEB')}, dpop_bound_access_tokens: true, token: opaque, calls: { shop: [browse, order] } }
  guest: { ${auth('GUEST')}, token: opaque, calls: { shop: [browse, order] } }
  till:
    ${auth('TILL', 'client_secret_post')}
    tls_client_certificate_bound_access_tokens: true
    calls: { shop: [browse, order] }
  desk:
    ${auth('DESK', 'client_secret_post')}
    tls_client_certificate_bound_access_tokens: true
    token: opaque
    calls: { shop: [browse, order] }
  pos:
    auth: { method: tls_client_auth, san_dns: pos.example }
    tls_client_certificate_bound_access_tokens: true
    calls: { shop: [browse, order] }
  booth: { auth: { method: tls_client_auth, san_dns: booth.example }, calls: { shop: [browse, order] } }
  edge: { ${auth('EDGE')}, introspect: [shop], calls: { shop: [browse] } }
services:
  shop:
    audience: '${shop}'
    ${auth('SHOP')}
    ${more}
    scopes:
      browse: {}
      order: { calls: { payment: [charge], audit: { scopes: [write], mode: exchange } } }
  kiosk: { scopes: { look: {}, note: { calls: { log: { scopes: [append], mode: forward } } } } }
  payment: { scopes: { charge: {} } }
  audit: { scopes: { write: {} } }
  log: { accepts_forward: [kiosk], scopes: { append: {} } }
`;

export const SHOP = 'https://shop.example';
