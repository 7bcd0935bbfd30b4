/** A shop whose users log in elsewhere. */

const auth = (name: string) => `auth: { method: client_secret_basic, secret_env: ${name}_SECRET }`;

export interface UsersParts {
  readonly url?: string;
  /** What stands under `subjects`. */
  readonly subjects: Readonly<Record<string, string>>;
  /** Providers of the client `web`; default: all. */
  readonly web?: readonly string[];
}

/**
 * `web` (users, by both grants) and `batch` (itself alone) → shop: [read, buy, refund, audit]; refund is for support
 * and admins, audit for one department's admins.
 */
export const users = ({
  url = 'https://tokens.example',
  subjects,
  web = Object.keys(subjects),
}: UsersParts): string => `
waybill: 1
name: users
issuer: { url: '${url}', lifetime: 5m }
defaults: { audience: 'https://{name}.example', identity: 'spiffe://example/{name}', headers: { profile: go } }
subjects:
${Object.entries(subjects)
  .map(([name, text]) => `  ${name}: ${text}`)
  .join('\n')}
claims:
  email: { from: subject, max_bytes: 32 }
  name: { from: subject }
  roles: { from: subject, path: realm_access.roles, max_bytes: 40 }
  org: { from: subject, path: 'https://login.example/org', max_bytes: 40 }
  tier: { from: client, max_bytes: 16 }
clients:
  web:
    ${auth('WEB')}
    grants: [token_exchange, jwt_bearer, client_credentials]
    subjects: [${web.join(', ')}]
    default_scopes: [read, refund]
    claims: { tier: gold }
    calls:
      shop:
        scopes: [read, buy, refund, audit]
        when: { refund: { role: [support, admin] }, audit: { role: [admin], dept: [finance, 7, true] } }
  mobile:
    ${auth('MOBILE')}
    grants: [token_exchange]
    subjects: [${web[0]}]
    calls: { shop: [read] }
  batch:
    ${auth('BATCH')}
    calls: { shop: [read] }
services:
  shop:
    ${auth('SHOP')}
    claims: [name]
    scopes:
      read: {}
      buy: { claims: [tier], calls: { mail: [send], crm: [look] } }
      refund: { calls: { bank: { scopes: [pay], mode: exchange } } }
      audit: {}
  mail: { claims: [email!], scopes: { send: {} } }
  crm: { claims: [roles, org], scopes: { look: {} } }
  bank: { claims: [email!], scopes: { pay: {} } }
`;
