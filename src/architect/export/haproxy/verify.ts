/** The rules that verify a token: the same before a service and behind it. */
import type { ErrorCode } from '../../../errors.ts';
import type { Deployment } from '../envoy/options.ts';
import { TOKEN_HEADERS } from '../token-headers.ts';
import { reading, refusal, type Condition, type Reading, type Refusal, type Rule } from './rules.ts';
import { quoted } from './text.ts';

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
export function payload(
  variable: string,
  path: string,
  { type, conditions = [] }: { readonly type?: 'int'; readonly conditions?: readonly string[] } = {},
): Reading {
  const query = type === undefined ? `'$.${path}'` : `'$.${path}','${type}'`;
  return reading(`set-var(txn.${variable}) var(txn.token),jwt_payload_query(${query})`, ...conditions);
}

const refuse = (code: ErrorCode, condition: Condition): Refusal => refusal(401, code, condition);

/** Headers that proxies set, in all spellings that a server may take for them. */
export const STRIP_HEADERS = `http-request del-header ${quoted(`^${TOKEN_HEADERS}`)} -m reg`;

/** One token and nothing else. */
export const COMPACT = '[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+';

/** JWE in compact form: five parts, of which the second may be empty (RFC 7516 section 3.1). */
const SEALED = '(?i)^bearer +[a-z0-9_-]+\\.[a-z0-9_-]*(\\.[a-z0-9_-]+){3}$';

const SCHEME = 'req.fhdr(authorization) -m reg';

/** Leaves `txn.token` for the rules that follow. HAProxy takes the first of several headers, a service perhaps another. */
export function verifyRules({ issuer, algorithm, audience, keyFiles }: VerifiedTokens): readonly Rule[] {
  const signed = keyFiles.map((file) => `!var(txn.token),jwt_verify(${algorithm},${quoted(file)}) -m int 1`);
  return [
    {
      ...refuse('token_missing', { unless: 'req.fhdr_cnt(authorization) eq 1' }),
      cases: [['token_repeated', 'req.fhdr_cnt(authorization) gt 1']],
    },
    {
      ...refuse('token_malformed', { unless: `${SCHEME} ${quoted(`^Bearer ${COMPACT}$`)}` }),
      cases: [
        ['token_missing', `!${SCHEME} ${quoted('(?i)^(bearer|dpop)( |$)')}`],
        // RFC 9449: nothing here checks a proof.
        ['token_presenter', `${SCHEME} ${quoted('(?i)^dpop( |$)')}`],
        ['token_packed', `${SCHEME} ${quoted('(?i)^bearer +wb1~')}`],
        ['token_sealed', `${SCHEME} ${quoted(SEALED)}`],
      ],
    },
    reading('set-var(txn.token) http_auth_bearer'),
    refuse('token_signature', { if: signed }),
    reading("set-var(txn.typ) var(txn.token),jwt_header_query('$.typ')"),
    // RFC 9068 section 4: no other JWT of the issuer is an access token.
    refuse('token_type', { unless: `var(txn.typ) -m str ${quoted('at+jwt')}` }),
    payload('iss', 'iss'),
    refuse('token_issuer', { unless: `var(txn.iss) -m str ${quoted(issuer)}` }),
    payload('aud', 'aud'),
    refuse('token_audience', { unless: `var(txn.aud) -m str ${quoted(audience)}` }),
    reading('set-var(txn.now) date'),
    payload('exp', 'exp', { type: 'int' }),
    refuse('token_expired', { unless: 'var(txn.exp),sub(txn.now) gt 0' }),
    // RFC 7800: whoever presents a bound token must prove that it holds the key, which HAProxy cannot check.
    payload('jkt', 'cnf.jkt'),
    payload('x5t', 'cnf.x5t#S256'),
    refuse('token_presenter', { if: ['var(txn.jkt) -m found'] }),
    refuse('token_presenter', { if: ['var(txn.x5t) -m found'] }),
  ];
}
