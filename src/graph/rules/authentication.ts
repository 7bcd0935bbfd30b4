/** How clients and services authenticate: each method has what it needs, and nothing that belongs to another. */
import type { AuthDeclaration } from '../declare/declaration.ts';
import type { Findings, Place } from '../finding.ts';
import { urlFault } from './url.ts';

type Code = 'secret-source' | 'key-source' | 'certificate-name';

interface Needs {
  readonly code: Code;
  /** One of these keys, and only one. */
  readonly oneOf: readonly string[];
  readonly also?: readonly string[];
}

const secret: Needs = { code: 'secret-source', oneOf: ['secret_env', 'secret_file'] };
const NEEDS: ReadonlyMap<string, Needs> = new Map([
  ['client_secret_basic', secret],
  ['client_secret_post', secret],
  ['private_key_jwt', { code: 'key-source', oneOf: ['jwks_file', 'jwks_uri'] }],
  ['self_signed_tls_client_auth', { code: 'key-source', oneOf: ['jwks_file'] }],
  ['spiffe_x509', { code: 'key-source', oneOf: ['bundle_file'], also: ['spiffe_id'] }],
  [
    'tls_client_auth',
    { code: 'certificate-name', oneOf: ['subject_dn', 'san_dns', 'san_uri', 'san_email', 'san_ip'] },
  ],
]);

/** @param party its `identity` stands for a SPIFFE ID that is not given. */
export function checkAuth(
  party: { readonly name: string; readonly identity?: { readonly value: string } },
  auth: AuthDeclaration,
  findings: Findings,
): void {
  const needs = NEEDS.get(auth.method.value);
  if (!needs) return;
  checkSources(party.name, auth, needs, findings);
  if (auth.jwksUri) checkKeyAddress(auth.jwksUri.value, auth.jwksUri, findings);
  if (auth.method.value !== 'spiffe_x509') return;
  const id = auth.spiffeId?.value ?? party.identity?.value ?? '';
  if (SPIFFE_ID.test(id)) return;
  findings.add(
    'invalid-value',
    auth.spiffeId ?? auth,
    `${party.name} has no SPIFFE ID to authenticate with.`,
    'Give `spiffe_id: spiffe://boutique.example/checkout`, or a service that `identity`.',
  );
}

/** SPIFFE-ID section 2. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)+$/;

function checkSources(name: string, auth: AuthDeclaration, needs: Needs, findings: Findings): void {
  const { code, oneOf, also = [] } = needs;
  const given = givenKeys(auth);
  const own = given.filter((key) => oneOf.includes(key));
  const foreign = given.filter((key) => !oneOf.includes(key) && !also.includes(key));
  const start = `${name} authenticates with ${auth.method.value}`;
  const message =
    own.length === 0
      ? `${start}, and nothing says with what.`
      : own.length > 1
        ? `${start}, and has both ${listed(own, ' and ')}.`
        : foreign.length > 0
          ? `${start}, which does not use ${listed(foreign, ' and ')}.`
          : undefined;
  if (message) findings.add(code, auth, message, `Give ${listed(oneOf, ' or ')}, and nothing else.`);
}

function givenKeys(auth: AuthDeclaration): string[] {
  const values: Readonly<Record<string, unknown>> = {
    secret_env: auth.secretEnv,
    secret_file: auth.secretFile,
    jwks_file: auth.jwksFile,
    jwks_uri: auth.jwksUri,
    bundle_file: auth.bundleFile,
    spiffe_id: auth.spiffeId,
  };
  return [
    ...Object.keys(values).filter((key) => values[key] !== undefined),
    ...auth.certificateNames.map(({ kind }) => kind),
  ];
}

function listed(keys: readonly string[], between: string): string {
  return keys.map((key) => `\`${key}\``).join(between);
}

/** Whoever can write on the way could put a key of their own into the answer. */
function checkKeyAddress(text: string, at: Place, findings: Findings): void {
  const fault = urlFault(text);
  if (!fault) return;
  findings.add(
    'invalid-value',
    at,
    `The jwks_uri ${text} ${fault}.`,
    'For example https://shop.example/jwks.',
  );
}
