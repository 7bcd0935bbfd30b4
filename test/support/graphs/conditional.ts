/** A shop with support: scopes that wait for users, logins and amounts. */

const auth = (name: string) => `auth: { method: client_secret_basic, secret_env: ${name}_SECRET }`;

export const WORKFORCE = 'https://workforce.example';
export const CONSUMERS = 'https://consumers.example';

export interface ConditionalParts {
  readonly url?: string;
  /** Of the scope `refund` of payment. */
  readonly refund?: string;
  /** What else stands in the calls of `front:refund`. */
  readonly mode?: 'embed' | 'exchange';
  readonly staff?: string;
  /** What else the client `desk` has. */
  readonly desk?: string;
  readonly conditions?: string;
}

/**
 * `desk` (staff and consumers) → front: [view, pay, refund] → payment: [charge, refund] → vault: [read]; what is above 100 is
 * paid with a strong login alone, what is refunded is by staff, with a recent strong login, and below 500.
 */
export const conditional = ({
  url = 'https://tokens.example',
  refund = 'staff && strong && request.amount <= 500',
  mode = 'embed',
  staff = 'provider == "workforce" && "support" in subject.role',
  desk = '',
  conditions = '',
}: ConditionalParts = {}): string => `
waybill: 1
name: conditional
issuer: { url: '${url}', lifetime: 5m }
defaults: { audience: 'https://{name}.example', identity: 'spiffe://example/{name}', headers: { profile: go } }
subjects:
  workforce: { issuer: '${WORKFORCE}', audience: app, jwks_uri: '${WORKFORCE}/jwks', acr: { mfa: [urn:w:2fa, urn:w:hw], pwd: [urn:w:pwd] } }
  consumers: { issuer: '${CONSUMERS}', audience: app, jwks_uri: '${CONSUMERS}/jwks', acr: { mfa: [urn:c:mfa] } }
claims:
  role: { from: subject, type: strings, max_bytes: 64 }
  email: { from: subject, type: string, max_bytes: 64 }
  tier: { from: client, type: string }
  amount: { from: request, type: int }
  ip: { from: request, type: string, set_by: gateway, max_bytes: 48 }
conditions:
  staff: ${staff}
  strong: auth.acr in ["mfa"] && auth.age <= 300
  ${conditions}
clients:
  desk:
    ${auth('DESK')}
    grants: [token_exchange, client_credentials]
    subjects: [workforce, consumers]
    claims: { tier: gold }
    ${desk}
    calls: { front: { scopes: [view, pay, refund], when: { refund: staff } } }
services:
  front:
    ${auth('FRONT')}
    scopes:
      view: { calls: { mail: { scopes: [send], when: 'client.tier == "gold"' } } }
      pay: { claims: [amount], calls: { payment: { scopes: [charge], mode: ${mode} }, mail: [send] } }
      refund: { claims: [amount], calls: { payment: { scopes: [refund, charge], mode: ${mode} } } }
  payment:
    ${auth('PAYMENT')}
    scopes:
      charge: { claims: [amount], when: request.amount <= 100 || strong, calls: { vault: { scopes: [read], mode: exchange } } }
      refund: { claims: [amount], when: '${refund}', calls: { vault: { scopes: [read, write], mode: exchange, when: { write: '"lead" in subject.role' } } } }
  vault: { claims: [email], scopes: { read: , write: } }
  mail: { claims: [email], scopes: { send: } }
`;
