/** How clients and services authenticate: each method has what it needs, and nothing that belongs to another. */
import type { AuthDeclaration, ServiceDeclaration } from '../declare/declaration.ts';
import { causeOfParties, partyNames } from '../causes.ts';
import type { Findings } from '../finding.ts';
import { parseSpiffeId } from '../../identity/index.ts';
import { urlFault } from './url.ts';

type Code = 'secret-source' | 'key-source' | 'certificate-name';

interface Needs {
  readonly code: Code;
  /** One of these keys, and only one. */
  readonly oneOf: readonly string[];
  readonly also?: readonly string[];
}

const secret: Needs = { code: 'secret-source', oneOf: ['secret_env', 'secret_file'] };
const bundle: Needs = { code: 'key-source', oneOf: ['bundle_file'], also: ['spiffe_id'] };
const NEEDS: ReadonlyMap<string, Needs> = new Map([
  ['client_secret_basic', secret],
  ['client_secret_post', secret],
  ['private_key_jwt', { code: 'key-source', oneOf: ['jwks_file', 'jwks_uri'] }],
  ['self_signed_tls_client_auth', { code: 'key-source', oneOf: ['jwks_file'] }],
  ['spiffe_x509', bundle],
  ['spiffe_jwt', bundle],
  [
    'tls_client_auth',
    { code: 'certificate-name', oneOf: ['subject_dn', 'san_dns', 'san_uri', 'san_email', 'san_ip'] },
  ],
]);

/** Which file the graph names as the bundle of which trust domain. */
export type TrustDomains = Map<string, string>;

/**
 * @param party its `identity` stands for a SPIFFE ID that is not given.
 * @param declaration where the party is declared, a JSON pointer.
 * @param domains what other parties have said; grows.
 */
export function checkAuth(
  party: { readonly name: string; readonly identities?: readonly { readonly value: string }[] },
  declaration: string,
  auth: AuthDeclaration,
  domains: TrustDomains,
  findings: Findings,
): void {
  const needs = NEEDS.get(auth.method.value);
  if (!needs) return;
  checkSources(party.name, declaration, auth, needs, findings);
  // Whoever can write on the way could put a key of their own into the answer.
  const fault = auth.jwksUri && urlFault(auth.jwksUri.value);
  if (auth.jwksUri && fault)
    findings.add(
      'invalid-value',
      auth.jwksUri,
      `The jwks_uri ${auth.jwksUri.value} ${fault}.`,
      'For example https://shop.example/jwks.',
    );
  if (needs !== bundle) return;
  const id = parseSpiffeId(auth.spiffeId?.value ?? party.identities?.[0]?.value ?? '');
  if (id) return checkBundle(id.trustDomain, auth, domains, findings);
  findings.add(
    'invalid-value',
    auth.spiffeId ?? auth,
    `${party.name} has no SPIFFE ID to authenticate with.`,
    'Give `spiffe_id: spiffe://boutique.example/checkout`, or a service that `identity`.',
    [declaration, '/defaults', '/zones'],
    causeOfParties('no id', party.name, (names) => `${names} have no SPIFFE ID to authenticate with.`),
  );
}

/** With one `auth` in `defaults` each service could authenticate as every other, unless a placeholder tells them apart. */
export function checkSharedCredentials(services: readonly ServiceDeclaration[], findings: Findings): void {
  const owners = new Map<string, string>();
  for (const { name, auth, identities } of services) {
    if (!auth) continue;
    const { source, offset, bundleFile: _, spiffeId, ...given } = auth;
    const usesSpiffe = NEEDS.get(auth.method.value) === bundle;
    const id = usesSpiffe ? (spiffeId ?? identities[0])?.value : undefined;
    const { method, jwksUri, ...others } = given;
    const key = JSON.stringify([source.file, offset, method.value, jwksUri?.value, id, others]);
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, name);
    else
      findings.add(
        'duplicate-identity',
        { source, offset },
        `${owner} and ${name} authenticate with the same credential: each could act as the other.`,
        'In `auth` of `defaults`, {name} stands for the service, as in `spiffe_id` or `jwks_file`; or give each service its own `auth`.',
        [],
        {
          key: `auth ${key}`,
          part: name,
          words: (names) => ({
            message: `${partyNames([owner, ...names])} authenticate with the same credential: each could act as the others.`,
          }),
        },
      );
  }
}

/** draft-ietf-oauth-spiffe-client-auth section 5: bundles are keyed by trust domain, so that none vouches for another's. */
function checkBundle(domain: string, auth: AuthDeclaration, domains: TrustDomains, findings: Findings): void {
  const { bundleFile: file } = auth;
  if (file === undefined) return;
  const known = domains.get(domain) ?? file;
  const other = [...domains].find(([name, of]) => of === file && name !== domain)?.[0];
  if (known !== file) {
    findings.add(
      'trust-bundle',
      auth,
      `The bundle of the trust domain ${domain} is ${known} elsewhere, and ${file} here.`,
      'A trust domain has one bundle. Name the same file everywhere.',
    );
  } else if (other !== undefined) {
    findings.add(
      'trust-bundle',
      auth,
      `${file} is the bundle of the trust domain ${other} elsewhere, and of ${domain} here.`,
      'Each trust domain has a bundle of its own: its keys vouch for no other.',
    );
  }
  domains.set(domain, known);
}

function checkSources(
  name: string,
  declaration: string,
  auth: AuthDeclaration,
  needs: Needs,
  findings: Findings,
): void {
  const { code, oneOf, also = [] } = needs;
  const given = givenKeys(auth);
  const own = given.filter((key) => oneOf.includes(key));
  const foreign = given.filter((key) => !oneOf.includes(key) && !also.includes(key));
  const faults =
    own.length === 0
      ? ['and nothing says with what']
      : own.length > 1
        ? [`and has both ${listed(own, ' and ')}`, `and have both ${listed(own, ' and ')}`]
        : foreign.length > 0
          ? [`which does not use ${listed(foreign, ' and ')}`]
          : [];
  const [fault, faultOfSeveral = fault] = faults;
  if (fault === undefined) return;
  const method = auth.method.value;
  findings.add(
    code,
    auth,
    `${name} authenticates with ${method}, ${fault}.`,
    `Give ${listed(oneOf, ' or ')}, and nothing else.`,
    [`${declaration}/auth`, '/defaults', '/zones'],
    causeOfParties(
      `${method} ${fault}`,
      name,
      (names) => `${names} authenticate with ${method}, ${faultOfSeveral}.`,
    ),
  );
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
