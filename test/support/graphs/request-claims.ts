/** A shop whose tokens carry what the client and the gateway say of a request. */

/** `till` gets tokens, `web` references, which `edge` swaps; ledger and its archive are fetched. */
export const requestGraph = (url: string, { issuer = '', ip = 'ip' } = {}): string => `
waybill: 1
issuer: { url: '${url}', reuse: 1m ${issuer} }
defaults: { audience: 'https://{name}.test.example', headers: { profile: go } }
claims:
  amount: { from: request, type: int }
  currency: { from: request, type: string, values: [EUR, USD] }
  gift: { from: request, type: bool }
  items: { from: request, type: strings, max_bytes: 40 }
  ip: { from: request, set_by: gateway, type: string, max_bytes: 48 }
  tier: { from: client, max_bytes: 16 }
clients:
  till:
    auth: { method: client_secret_basic, secret_env: A }
    calls: { shop: [read, pay] }
  web:
    auth: { method: client_secret_basic, secret_env: B }
    token: opaque
    calls: { shop: [read, pay, look] }
  edge:
    auth: { method: client_secret_basic, secret_env: C }
    introspect: [shop]
    calls: { shop: [read] }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: D }
    scopes:
      read: {}
      look: { claims: [${ip}, amount] }
      pay:
        claims: [gift]
        calls: { payment: [charge], ledger: { scopes: [book], mode: exchange } }
  payment: { auth: { method: client_secret_basic, secret_env: E }, scopes: { charge: { claims: [amount!, currency!, ip] } } }
  ledger:
    auth: { method: client_secret_basic, secret_env: F }
    scopes: { book: { claims: [amount!, items], calls: { archive: { scopes: [keep], mode: exchange } } } }
  archive: { scopes: { keep: { claims: [currency!] } } }
`;
