/** One client, one service and one call, for tests of the issuer's process rather than of its tokens. */
export const GRAPH = `waybill: 1
name: shop
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, default_scopes: [order], calls: { shop: [order] } }
services:
  shop: { scopes: { order: {} } }
`;

/** The environment that the graph needs. */
export const GRAPH_ENV = { WEB_SECRET: 'the secret of web' };
