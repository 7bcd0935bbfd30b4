/** The names in a certificate's subjectAltName (RFC 5280 section 4.2.1.6), as Node prints them. */
import { attempt } from '../input/attempt.ts';

export interface AlternativeNames {
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly string[];
}

const NONE: AlternativeNames = { uris: [], dns: [], emails: [], ips: [] };

/** Characters: hundreds of names, more than any real certificate has. */
const MAX_CHARS = 32 * 1024;

/** Node quotes a value that has a comma, a quote or a control character in it as JSON does. */
const NAME = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

const KINDS: Readonly<Record<string, keyof AlternativeNames>> = {
  URI: 'uris',
  DNS: 'dns',
  email: 'emails',
  'IP Address': 'ips',
};

/**
 * @param text `X509Certificate.subjectAltName`.
 * @returns undefined where the text is longer than 32 Ki characters, or cannot be parsed completely: a name
 *   that could be read in two ways is not used.
 */
export function readAlternativeNames(text: string | undefined): AlternativeNames | undefined {
  if (text === undefined || text === '') return NONE;
  if (text.length > MAX_CHARS) return undefined;
  const names = { uris: [] as string[], dns: [] as string[], emails: [] as string[], ips: [] as string[] };
  let end = 0;
  while (end < text.length) {
    NAME.lastIndex = end;
    const match = NAME.exec(text);
    if (match === null) return undefined;
    end = NAME.lastIndex;
    const value = unquoted(match[2] ?? '');
    if (value === undefined) return undefined;
    const kind = KINDS[match[1] ?? ''];
    if (kind !== undefined) names[kind].push(value);
  }
  return names;
}

function unquoted(value: string): string | undefined {
  return value.startsWith('"') ? attempt(() => JSON.parse(value) as string) : value;
}
