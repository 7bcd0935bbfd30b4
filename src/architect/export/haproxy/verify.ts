/** The rules that verify a token: the same before a service and behind it. */
import type { Deployment } from '../envoy/options.ts';
import { TOKEN_HEADERS } from '../token-headers.ts';
import { quoted, when } from './text.ts';

export interface VerifiedTokens {
  readonly issuer: string;
  readonly algorithm: string;
  readonly audience: string;
  /** PEM files of the issuer's public keys. */
  readonly keyFiles: readonly string[];
}

export interface HaproxyDeployment extends Deployment {
  /** PEM files of the issuer's public keys, the next one among them. Default: /etc/waybill/keys/issuer.pem. */
  readonly keyFiles: readonly string[];
}

/** Reads a member of the payload into a variable; unset where it is absent, or no text or number. */
export function payload(variable: string, path: string, type?: 'int'): string {
  const query = type === undefined ? `'$.${path}'` : `'$.${path}','${type}'`;
  return `http-request set-var(txn.${variable}) var(txn.token),jwt_payload_query(${query})`;
}

const refuse = (condition: string): string => `http-request deny deny_status 401 ${condition}`;

/** Headers that proxies set, in all spellings that a server may take for them. */
export const STRIP_HEADERS = `http-request del-header ${quoted(`^${TOKEN_HEADERS}`)} -m reg`;

/** One token and nothing else. */
export const COMPACT = '[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+';

/** Leaves `txn.token` for the rules that follow. HAProxy takes the first of several headers, a service perhaps another. */
export function verifyRules({ issuer, algorithm, audience, keyFiles }: VerifiedTokens): readonly string[] {
  const signed = keyFiles.map((file) => `!var(txn.token),jwt_verify(${algorithm},${quoted(file)}) -m int 1`);
  return [
    refuse(`unless ${when('req.fhdr_cnt(authorization) eq 1')}`),
    refuse(`unless ${when(`req.fhdr(authorization) -m reg ${quoted(`^Bearer ${COMPACT}$`)}`)}`),
    'http-request set-var(txn.token) http_auth_bearer',
    refuse(`if ${when(...signed)}`),
    "http-request set-var(txn.typ) var(txn.token),jwt_header_query('$.typ')",
    // RFC 9068 section 4: no other JWT of the issuer is an access token.
    refuse(`unless ${when(`var(txn.typ) -m str ${quoted('at+jwt')}`)}`),
    payload('iss', 'iss'),
    refuse(`unless ${when(`var(txn.iss) -m str ${quoted(issuer)}`)}`),
    payload('aud', 'aud'),
    refuse(`unless ${when(`var(txn.aud) -m str ${quoted(audience)}`)}`),
    'http-request set-var(txn.now) date',
    payload('exp', 'exp', 'int'),
    refuse(`unless ${when('var(txn.exp),sub(txn.now) gt 0')}`),
    // RFC 7800: whoever presents a bound token must prove that it holds the key, which HAProxy cannot check.
    payload('jkt', 'cnf.jkt'),
    payload('x5t', 'cnf.x5t#S256'),
    refuse(`if ${when('var(txn.jkt) -m found')}`),
    refuse(`if ${when('var(txn.x5t) -m found')}`),
  ];
}
