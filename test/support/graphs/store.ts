/** A graph with every way to reach a callee: embedded, on demand, forwarded, and none at all. */

const auth = (name: string) => `auth: { method: client_secret_basic, secret_env: ${name}_SECRET }`;

export interface StoreParts {
  /** The issuer's URL. */
  readonly url?: string;
  /** Audiences by service; the others have https://{name}.example. */
  readonly audiences?: Readonly<Record<string, string>>;
  /** How shop calls ads. */
  readonly ads?: 'exchange' | 'embed';
  /** More of the client `web`. */
  readonly web?: string;
  /** More at the top, such as `subjects`. */
  readonly top?: string;
  /** More claims. */
  readonly claims?: string;
}

/**
 * `web` → shop: [look, buy]; shop → ads on demand (→ pictures embedded, bids on demand), shop → payment embedded with
 * a life of one minute (→ bank). `web` → kiosk, which forwards to log and only tells queue.
 */
export const store = (parts: StoreParts = {}): string => {
  const {
    url = 'https://tokens.example',
    audiences = {},
    ads = 'exchange',
    web = '',
    top = '',
    claims = '',
  } = parts;
  const aud = (name: string) => (audiences[name] === undefined ? '' : `audience: '${audiences[name]}',`);
  return `
waybill: 1
name: store
issuer: { url: '${url}', lifetime: 5m }
defaults: { audience: 'https://{name}.example', identity: 'spiffe://example/{name}', headers: { profile: go } }
claims:
  tier: { from: client, max_bytes: 16 }
  region: { value: eu }
  ${claims}
${top}
clients:
  web:
    ${auth('WEB')}
    claims: { tier: gold }
    ${web}
    calls: { shop: [look, buy], kiosk: [note] }
services:
  shop:
    ${aud('shop') === '' ? '' : `audience: '${audiences['shop']}'`}
    ${auth('SHOP')}
    claims: [region]
    calls: { flags: [evaluate] }
    scopes:
      look: { calls: { ads: { scopes: [show, track], mode: ${ads} } } }
      buy: { calls: { payment: [charge, refund], ads: { scopes: [track], mode: ${ads} } } }
  ads:
    ${aud('ads') === '' ? '' : `audience: '${audiences['ads']}'`}
    ${auth('ADS')}
    claims: [tier]
    scopes:
      show: { calls: { pictures: [get], bids: { scopes: [place], mode: exchange } } }
      track: { claims: [region] }
  payment:
    ${aud('payment') === '' ? '' : `audience: '${audiences['payment']}'`}
    lifetime: 1m
    ${auth('PAYMENT')}
    claims: [tier]
    scopes: { charge: { calls: { bank: [pay] } }, refund: { calls: { bank: [pay, return] } } }
  kiosk:
    ${auth('KIOSK')}
    calls: { queue: { mode: none, scopes: [put] } }
    scopes: { note: { calls: { log: { scopes: [write], mode: forward } } } }
  bids: { ${aud('bids')} claims: [tier], scopes: { place: {} } }
  pictures: { ${auth('PICTURES')}, scopes: { get: {} } }
  bank: { scopes: { pay: {}, return: {} } }
  flags: { scopes: { evaluate: {} } }
  log: { ${auth('LOG')}, accepts_forward: [kiosk], scopes: { write: {} } }
  queue: { scopes: { put: {} } }
`;
};

export const AUDIENCES = {
  shop: 'https://shop.example',
  ads: 'https://ads.example',
  payment: 'https://payment.example',
  bids: 'https://bids.example',
} as const;
