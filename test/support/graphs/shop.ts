/** A small shop: two entries that share a scope's name, a client of each method, a tree of three tokens. */
export const shop = (url: string) => `
waybill: 1
name: shop
issuer: { url: '${url}', ignore_scopes: [openid, profile], limits: { tokens: 3 } }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    default_scopes: [read]
    calls: { orders: [read, place, cancel], admin: [manage, place] }
  kiosk:
    auth: { method: client_secret_post, secret_env: KIOSK_SECRET }
    calls: { orders: [place] }
services:
  orders:
    scopes:
      read: {}
      place: { calls: { payment: [charge], mail: [send] } }
      cancel: { calls: { refunds: [pay] } }
      internal: {}
  admin: { scopes: { manage: {}, place: {} } }
  payment: { scopes: { charge: {} } }
  refunds: { scopes: { pay: {} } }
  mail: { scopes: { send: {} } }
`;

export const ORDERS = 'https://orders.shop.example';
export const ADMIN = 'https://admin.shop.example';
