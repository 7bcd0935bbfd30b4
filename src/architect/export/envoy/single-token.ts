/**
 * Whether `authorization` is one access token of Waybill and nothing else.
 *
 * The filter that verifies tokens takes all that stands behind the first `Bearer `, but its reader of signatures skips
 * blanks and dots, and accepts a letter too many. An expression that looks at each character would say the same as what is
 * here and, for a token of 49 KB, cost a third of the whole request. A signature of ES256 has a fixed length, which a look at
 * one character shows; one of RSA is refused by its length, so that only blanks and dots are looked for.
 */
import type { SigningAlgorithm } from '../../../graph/index.ts';
import { headerOf } from '../../../token/index.ts';
import { extension, type Json } from './typed.ts';

/** All that Envoy can verify. */
const ALGORITHMS = ['ES256', 'PS256', 'RS256'] as const satisfies readonly SigningAlgorithm[];

/** @param usual the algorithm of most tokens: what is found first costs least. */
export function singleToken(usual: SigningAlgorithm): Json {
  const sorted = [...ALGORITHMS].sort((a, b) => Number(b === usual) - Number(a === usual));
  const ids = sorted.map((alg) => ({ and_ids: { ids: [startOf(alg), wellEnded(alg)] } }));
  return { or_ids: { ids } };
}

/** The issuer writes `alg`, `typ` and `kid` first, so that a beginning tells the type of a token (RFC 9068 section 4). */
function startOf(alg: SigningAlgorithm): Json {
  const header = JSON.stringify(headerOf(alg, '')).slice(0, -'"}'.length);
  const encoded = Buffer.from(header).toString('base64url');
  // Three bytes are four letters; what is left over depends on what follows.
  const whole = encoded.slice(0, Math.floor(header.length / 3) * 4);
  return authorization({ prefix: `Bearer ${whole}` });
}

/** 64 bytes in base64url. */
const ES256_LETTERS = 86;

const TOKEN_AT = 'Bearer '.length + 1;

/** Neither a dot nor a blank at the end: behind a dot that counts as padding, nothing else is accepted. */
const ES256 = `local last = value:byte(-1)
  return value:byte(${-ES256_LETTERS - 1}) == 46 and last ~= 46 and last ~= 32 and last ~= 9`;
const RSA = `return value:byte(-1) ~= 46
    and not value:find(' ', ${TOKEN_AT}, true)
    and not value:find('\\t', ${TOKEN_AT}, true)`;

function wellEnded(alg: SigningAlgorithm): Json {
  const inline_string = `function envoy_match(value)\n  ${alg === 'ES256' ? ES256 : RSA}\nend\n`;
  return authorization({
    custom: extension('waybill.signature', 'luaMatcher', { source_code: { inline_string } }),
  });
}

function authorization(string_match: Json): Json {
  return { header: { name: 'authorization', string_match } };
}
