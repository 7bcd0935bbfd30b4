/**
 * Finds header lines that carry tokens or identities (threat 15). The gateway strips those of a client, so that a service
 * behind it can trust that the one token it sees came from the gateway.
 */
import type { HeaderLine } from '../request/incoming-request.ts';
import { HeaderNames, STRIPPED_NAMES } from './stripped-headers.ts';

const NAMES = new HeaderNames(Object.values(STRIPPED_NAMES).flat());

/** Their values may contain tokens, but no service takes its authorisation from them. */
const KEPT_NAMES: ReadonlySet<string> = new Set(['cookie', 'referer']);

/** @param more names that are stripped as well. */
export function isTokenHeader([name, value]: HeaderLine, more: HeaderNames): boolean {
  if (NAMES.has(name) || more.has(name)) return true;
  return !KEPT_NAMES.has(name.toLowerCase()) && holdsToken(value);
}

/** The scheme of a token, this issuer's references and packed trees, a certificate in PEM. */
const TOKEN = /(?:^|[^a-z0-9])(?:bearer|dpop)[\s:=+]|wbo_[\w-]{43}|wb1~|-----begin /i;

/** In base64url: `{` and `"` or white space. */
const JSON_START = /e(?:yJ|yA|w0|wk|wo)(?=[\w-]{5})/g;
/** JSON that begins with an object: `{`, white space, then a name in visible characters or nothing yet. */
const OBJECT_START = /^\{\s*(?:"[ -~]*)?$/;

/** Whether a value contains a token, anywhere in the value and whatever the header's name. */
function holdsToken(value: string): boolean {
  const text = unescaped(value);
  return TOKEN.test(text) || holdsJwt(text);
}

/** Three parts with dots between (RFC 7515 section 3.1, RFC 7516 section 3.1), the first an object in base64url. */
function holdsJwt(text: string): boolean {
  if (text.search(JSON_START) < 0) return false;
  return text.split(/[^\w.=-]+/).some((run) => {
    const parts = run.split('.');
    return parts.slice(0, -2).some(holdsObjectStart);
  });
}

/** Whatever precedes it: `id=eyJ…`, `20eyJ…`. */
function holdsObjectStart(part: string): boolean {
  return [...part.matchAll(JSON_START)].some(({ index }) =>
    OBJECT_START.test(Buffer.from(part.slice(index, index + 8), 'base64url').toString('latin1')),
  );
}

/** Most decoders that a header passes through. */
const MAX_DECODINGS = 3;

function unescaped(value: string): string {
  let text = value;
  for (let round = 0; round < MAX_DECODINGS && text.includes('%'); round += 1) {
    text = text.replace(/%([0-9a-f]{2})/gi, (_escape, byte: string) =>
      String.fromCharCode(Number.parseInt(byte, 16)),
    );
  }
  return text;
}
