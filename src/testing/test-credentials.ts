/** What clients and services of a test authenticate with, in place of the secrets and files that the graph names. */
import { SignJWT, exportJWK, generateKeyPair, type JWK } from 'jose';

import type { Clock } from '../clock.ts';
import { usageError } from '../errors.ts';
import type { AuthPlan, Plan } from '../graph/index.ts';
import { authenticatingParties } from '../issuer/index.ts';
import type { CredentialsOptions } from '../middleware/index.ts';

/** The certificate of an authority whose private key was thrown away: nobody can authenticate by it. */
const AUTHORITY =
  'MIIBmTCCAT+gAwIBAgIUHWT5gWx1q9TzJ02iROXV7bF2/EIwCgYIKoZIzj0EAwIwITEfMB0GA1UEAwwWV2F5YmlsbCB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjkxNzQ0MjFaGA8yMTI2MTEwNTE3NDQyMVowITEfMB0GA1UEAwwWV2F5YmlsbCB0ZXN0IGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNxeRTPpMjTMiNWJijMiaVxwvYp17WiaqpMk2v2f5s8AVNXzXJs15PVtCjRA8+8DLGtFKNSbbVVi+ILktk96smWjUzBRMB0GA1UdDgQWBBTvs+NXKyZmG1uqloymYJceYqg6MDAfBgNVHSMEGDAWgBTvs+NXKyZmG1uqloymYJceYqg6MDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCaOFV+lTeN7XoFwS54O4RtCYyRtZ9gB7PmWx8jq/GJWwIgWpn4G/8OiCxqXd+tg5Na9yDfSJ1FJ0NiSWfCcGuw5BY=';

const ALG = 'ES256';
const KID = 'test';
/** Seconds that a JWT-SVID lives. */
const SVID_LIFETIME = 300;

export interface TestCredentials {
  readonly secrets: ReadonlyMap<string, string>;
  /** Key sets and bundles, by the name of the party. */
  readonly keySets: ReadonlyMap<string, unknown>;
  /** The key set at an address that the graph names. */
  document(address: string): unknown;
  /** @throws WaybillError `usage` for a name that does not authenticate, or that needs a certificate. */
  credentialsFor(name: string): CredentialsOptions;
}

export async function testCredentials(plan: Plan, clock: Clock): Promise<TestCredentials> {
  const parties = authenticatingParties(plan);
  const { publicKey, privateKey } = await generateKeyPair(ALG, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: KID, alg: ALG };
  const privateJwk = await exportJWK(privateKey);
  const addresses = new Set([...parties.values()].flatMap(({ auth }) => keyAddress(auth) ?? []));

  const svid = (spiffeId: string, audience: string) =>
    new SignJWT({})
      .setProtectedHeader({ alg: ALG, kid: KID })
      .setSubject(spiffeId)
      .setAudience(audience)
      .setExpirationTime(clock() + SVID_LIFETIME)
      .sign(privateKey);

  return {
    secrets: new Map([...parties.keys()].map((name) => [name, secretOf(name)])),
    keySets: new Map([...parties].map(([name, { auth }]) => [name, keySetFor(auth, publicJwk)])),
    document: (address) => (addresses.has(address) ? { keys: [publicJwk] } : undefined),
    credentialsFor(name) {
      const auth = parties.get(name)?.auth;
      if (!auth) throw usageError(`${name} has no \`auth\` in the graph.`);
      switch (auth.method) {
        case 'client_secret_basic':
        case 'client_secret_post':
          return { clientId: name, secret: secretOf(name), method: auth.method };
        case 'private_key_jwt':
          return { clientId: name, method: auth.method, key: privateJwk, kid: KID, alg: ALG };
        case 'spiffe_jwt':
          return { clientId: name, method: auth.method, svid: (audience) => svid(auth.spiffeId, audience) };
        default:
          throw usageError(
            `${name} authenticates with a certificate (${auth.method}), which takes a real TLS connection to the issuer.`,
          );
      }
    },
  };
}

function secretOf(name: string): string {
  return `test-secret-of-${name}`;
}

function keyAddress(auth: AuthPlan): string | undefined {
  return auth.method === 'private_key_jwt' && 'uri' in auth.keys ? auth.keys.uri : undefined;
}

function keySetFor({ method }: AuthPlan, publicJwk: JWK): unknown {
  const certificate = { kty: 'EC', x5c: [AUTHORITY] };
  switch (method) {
    case 'spiffe_jwt':
    case 'spiffe_x509':
      return {
        keys: [
          { ...publicJwk, use: 'jwt-svid' },
          { ...certificate, use: 'x509-svid' },
        ],
      };
    case 'self_signed_tls_client_auth':
      return { keys: [certificate] };
    default:
      return { keys: [publicJwk] };
  }
}

/** Whether it takes the certificate of a connection. */
export function isCertificateMethod(method: AuthPlan['method']): boolean {
  return ['tls_client_auth', 'self_signed_tls_client_auth', 'spiffe_x509'].includes(method);
}
