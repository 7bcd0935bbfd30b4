/**
 * Whether `authorization` is one access token of Waybill and nothing else.
 *
 * The filter that verifies tokens takes everything after the first `Bearer `, but it skips empty parts between dots, and
 * ignores blanks, dots, `=` and a surplus letter after the signature. A regular expression over the whole header would
 * refuse those too, but costs a third of the whole request for a token of 49 KB. An ES256 signature has a fixed length, so
 * one look at its first dot shows a wrong length; the filter itself checks the length of an RSA signature.
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

/** The last character must be a letter of the signature: padding and blanks that the filter skips come after it. */
const ENDED = `local last = value:byte(-1)
  if last == 46 or last == 32 or last == 9 or last == 61 then return false end
  if value:find('..', ${TOKEN_AT}, true) then return false end`;
const ES256 = `${ENDED}
  return value:byte(${-ES256_LETTERS - 1}) == 46`;
const RSA = `${ENDED}
  return not value:find(' ', ${TOKEN_AT}, true) and not value:find('\\t', ${TOKEN_AT}, true)`;

function wellEnded(alg: SigningAlgorithm): Json {
  const inline_string = `function envoy_match(value)\n  ${alg === 'ES256' ? ES256 : RSA}\nend\n`;
  return authorization({
    custom: extension('waybill.signature', 'luaMatcher', { source_code: { inline_string } }),
  });
}

function authorization(string_match: Json): Json {
  return { header: { name: 'authorization', string_match } };
}
