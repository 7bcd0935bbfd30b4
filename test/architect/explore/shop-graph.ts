/** A small graph with every kind of call, and names that are no markup. */

/** What would run if a name were taken for markup. */
export const HOSTILE = `</script><img src=x onerror="document.title='broken'">`;

interface ShopOptions {
  readonly encoding?: string;
  readonly signing?: string;
  /** Of the call from orders to payment. */
  readonly payment?: string;
  /** One more service, called by orders. */
  readonly more?: boolean;
}

export function shopGraph({
  encoding = 'nested',
  signing = 'ES256',
  payment = 'embed',
  more = false,
}: ShopOptions = {}): string {
  return `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example', encoding: ${encoding}, signing: ${signing} }
zones: { mesh: {}, bank: {} }
claims:
  region: { value: eu }
  tier: { from: client, max_bytes: 16, zones: [mesh] }
defaults:
  audience: https://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { profile: node }
  caller: mtls
  zone: mesh
clients:
  web:
    auth: { method: client_secret_basic, secret_env: THE_SECRET_OF_WEB }
    zone: mesh
    claims: { tier: gold }
    calls: { orders: [place, list] }
services:
  orders:
    owner: ${JSON.stringify(HOSTILE)}
    auth: { method: client_secret_basic, secret_env: THE_SECRET_OF_ORDERS }
    scopes:
      place:
        description: ${JSON.stringify(HOSTILE)}
        calls:
          payment: { scopes: [charge], mode: ${payment} }
          mail: { scopes: [send], mode: exchange, probability: 0.25 }
          queue: { mode: none }
${more ? '          audit: [write]\n' : ''}      list:
        claims: [tier]
  payment:
    zone: bank
    claims: [region]
    scopes:
      charge:
        calls: { ledger: [append] }
  ledger: { scopes: { append: {} } }
  mail: { caller: none, scopes: { send: {} } }
${more ? '  audit: { scopes: { write: {} } }\n' : ''}`;
}
