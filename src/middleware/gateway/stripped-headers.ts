/**
 * Names of the headers that end at the gateway: by them proxies, meshes and clouds say who the user is, or whose
 * certificate a connection had, and whoever is behind the gateway may believe them. docs/reference/stripped-headers.md lists the same.
 *
 * In lower case, words separated by `-`. A leading `*-` stands for any words before, a trailing `-*` for any words after,
 * or none.
 */

/** Names for tokens. */
const TOKEN_WORDS = [
  ...['access', 'auth', 'authentication', 'bearer', 'id', 'identity', 'jwt', 'oauth', 'refresh'],
  ...['session', 'txn', 'user'],
];

export const STRIPPED_NAMES = {
  tokens: [
    ...['*-authorization', '*-authorisation', '*-jwt-*', 'token', 'x-token', 'bearer', 'x-bearer'],
    ...TOKEN_WORDS.flatMap((word) => [`*-${word}-token`, `*-${word}token`]),
    'dpop', // a proof for the edge, which has checked it
    ...['x-waybill-*', 'waybill-*', 'x-ms-token-*', 'x-goog-iap-*', 'x-amzn-oidc-*', 'oidc-*'],
  ],
  users: [
    ...['x-forwarded-user', 'x-forwarded-email', 'x-forwarded-preferred-username', 'x-forwarded-groups'],
    ...[
      'x-auth-request-*',
      'x-auth-user',
      'x-auth-username',
      'x-auth-email',
      'x-auth-groups',
      'x-auth-roles',
    ],
    ...['remote-user', 'remote-name', 'remote-email', 'remote-groups', 'x-remote-*', 'x-authenticated-*'],
    ...['x-user', 'x-user-id', 'x-user-name', 'x-user-email', 'x-user-groups', 'x-user-roles', 'x-userid'],
    ...['x-username', 'x-userinfo', 'x-apigateway-api-*', 'x-endpoint-api-*', 'x-goog-authenticated-user-*'],
    ...[
      'x-ms-client-principal-*',
      'cf-access-*',
      'x-authentik-*',
      'x-pomerium-*',
      'x-vouch-*',
      'x-webauth-*',
    ],
    ...['tailscale-user-*', 'x-consumer-*', 'x-credential-*', 'x-anonymous-consumer', 'impersonate-*'],
    ...['iv-user', 'iv-groups', 'iv-creds', 'sm-user', 'sm-userdn', 'oam-remote-user', 'shib-*'],
  ],
  certificates: [
    ...['client-cert-*', 'x-client-cert-*', 'x-client-certificate-*', 'x-forwarded-client-cert-*'],
    ...[
      'x-forwarded-tls-client-cert-*',
      'x-amzn-mtls-*',
      'x-arr-clientcert',
      'x-client-dn',
      'x-client-verify',
    ],
    ...['ssl-client-*', 'x-ssl-client-*', 'ssl-cert-*', 'x-ssl-cert-*', 'x-ssl-issuer', 'cert-chain-*'],
    ...['tls-client-*', 'x-tls-client-*', 'x-mtls-*', 'x-spiffe-*', 'x-peer-certificate', 'l5d-client-id'],
    ...['cf-cert-*', 'cf-client-cert-*', 'cloudfront-viewer-cert-*', 'x-goog-client-cert-*'],
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Matches the name of a header against the patterns. */
export class HeaderNames {
  readonly #names = new Set<string>();
  readonly #beginnings: string[] = [];
  readonly #ends: string[] = [];
  readonly #parts: string[] = [];

  /** @param names as above, not case-sensitive; `_` counts as `-`. */
  constructor(names: Iterable<string>) {
    for (const name of names) {
      const [anyBefore, anyBehind] = [name.startsWith('*-'), name.endsWith('-*')];
      const words = wordsOf(name.slice(anyBefore ? 2 : 0, anyBehind ? -2 : undefined));
      if (anyBefore && anyBehind) this.#parts.push(words);
      else if (anyBefore) this.#ends.push(words);
      else if (anyBehind) this.#beginnings.push(words);
      else this.#names.add(words);
    }
  }

  has(name: string): boolean {
    const words = wordsOf(name);
    return (
      this.#names.has(words) ||
      this.#beginnings.some((beginning) => words.startsWith(beginning)) ||
      this.#ends.some((end) => words.endsWith(end)) ||
      this.#parts.some((part) => words.includes(part))
    );
  }
}

/** `X_Access.Token` is `-x-access-token-`: CGI and similar interfaces turn all other characters into one. */
function wordsOf(name: string): string {
  return `-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-`;
}
