/**
 * The names of a peer that a proxy has verified, where it passes on names without the certificate: Envoy's `URI` and
 * `DNS`, as the sidecars of Istio write them.
 */
import type { AlternativeNames } from './alternative-names.ts';
import { readForwardedElements } from './forwarded-elements.ts';

/** Envoy alone writes names, and in this header alone. */
export const NAMES_HEADER = 'x-forwarded-client-cert';

/** As for a certificate in the same header. */
const MAX_HEADER = 16 * 1024;
const MAX_NAMES = 64;

/** What Envoy writes of a peer at most once, and always. */
const HASH = /^[0-9a-f]{64}$/;
const KNOWN = ['by', 'hash', 'subject', 'uri', 'dns'];
const REPEATABLE = ['by', 'uri', 'dns'];

/**
 * Of several elements the last one counts: it is what the proxy itself has added, and those before it are what its peer
 * sent (`APPEND_FORWARD`).
 *
 * @returns undefined where the text is malformed, or names nobody, or holds a certificate: then that one counts.
 */
export function forwardedNames(text: string): AlternativeNames | undefined {
  if (text.length > MAX_HEADER) return undefined;
  const element = readForwardedElements(text)?.at(-1);
  if (element === undefined || !HASH.test(element.get('hash')?.[0] ?? '')) return undefined;
  for (const [key, values] of element) {
    if (!KNOWN.includes(key)) return undefined;
    if (values.length > (REPEATABLE.includes(key) ? MAX_NAMES : 1)) return undefined;
  }
  const named = (key: string): readonly string[] => (element.get(key) ?? []).filter((name) => name !== '');
  const [uris, dns] = [named('uri'), named('dns')];
  return uris.length + dns.length === 0 ? undefined : { uris, dns, emails: [], ips: [] };
}
