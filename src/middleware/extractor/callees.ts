/**
 * Finds the token for a callee, in the one verified token of this request and nowhere else (threat 3).
 *
 * A callee whose token is not there is an error. The inbound token is sent on only where its own `aud` names the
 * callee too, which the graph calls `forward`; it never stands in for a child that is missing (threat 5).
 */

import { WaybillError } from '../../errors.ts';
import { copyText } from '../../input/copy-text.ts';
import {
  asList,
  audiencesOf,
  bindingsOf,
  isPacked,
  openChild,
  namedEntry,
  type EmbeddedChild,
  type OpenedToken,
} from '../../token/index.ts';
import {
  copyOutbound,
  type Candidate,
  type CachedToken,
  type OutboundToken,
} from '../caching/cached-token.ts';
import { usage } from '../option-checks.ts';
import { parsePrefix, longestMatch, parseAddress, type UrlPrefix, type PrefixedValue } from './url-prefix.ts';

/** A callee whose token is not in the caller's: it takes an exchange. */
export interface Fetchable {
  readonly callee: string;
  /** All that it has. */
  readonly audiences: readonly string[];
  readonly compact?: undefined;
}

export type Found = OutboundToken | Fetchable;

export function isFetchable(found: Found): found is Fetchable {
  return found.compact === undefined;
}

/** What a token that is not at hand any more is read with. */
export interface CalleesOptions {
  /** Of the service that the token is for. */
  readonly audiences: readonly string[];
  /** Takes the token apart again. */
  readonly open: (compact: string) => OpenedToken;
  /** Takes a child out of its parent. */
  readonly carry?: typeof openChild;
}

/**
 * The callees of one request's token. The token is taken apart for as long as the request lives; children are packed when
 * they are asked for, once per token, and are cached with it.
 */
export class Callees {
  readonly token: CachedToken;
  readonly #options: CalleesOptions;
  #opened: OpenedToken | undefined;
  /** Taken out, and checked. */
  #children: Map<string, EmbeddedChild> | undefined;

  /** @param opened where it was just verified; else it is taken apart when a child is asked for that none was before. */
  constructor(token: CachedToken, opened: OpenedToken | undefined, options: CalleesOptions) {
    this.token = token;
    this.#opened = opened;
    this.#options = options;
  }

  /** @throws WaybillError `child_missing`, `child_foreign`. */
  byName(name: string): Found {
    const { carried, claims } = this.token;
    // The token's own text of the name: the caller's may be a piece of a larger one.
    const own = carried.find((callee) => callee === name);
    if (own !== undefined) return this.#presentChild(own);
    const audience = namedEntry(claims.on_demand, name);
    if (audience !== undefined) return { callee: name, audiences: asList(audience) };
    throw missing(name);
  }

  /**
   * By address: the longest route that fits, else the longest audience, whatever its mode. On segments, not text.
   *
   * @throws WaybillError as `byName`; `child_ambiguous` where two callees have that audience; `usage` for an address
   *   that is not http(s), has user information or a path that a server could read as another (`..;`, `%252e`, a backslash).
   */
  byAddress(address: string | URL, routes: readonly PrefixedValue<string>[]): Found {
    const target = parseAddress(address);
    if (target === undefined) {
      throw usage(
        'an address must be an absolute http or https URL without user information, and its path must be unambiguous: ' +
          'no disguised dot segment (`..;`, `..%2f`, `%252e`), no backslash, no slash that is encoded twice',
      );
    }
    const [route] = longestMatch(target, routes);
    if (route === undefined) return this.#presentOnly(this.#candidatesAt(target), target.origin);
    return isName(route) ? this.byName(route) : this.#byAudience(route);
  }

  #byAudience(audience: string): Found {
    return this.#presentOnly(
      this.#allCandidates().filter((candidate) => candidate.audience === audience),
      audience,
    );
  }

  #presentOnly(found: readonly Candidate[], asked: string): Found {
    // A further audience of a callee may also be one to which it forwards its token: the owner of that audience comes first.
    const primary = found.filter(({ isFurther }) => !isFurther);
    const [only, ...others] = primary.length > 0 ? primary : found;
    if (only === undefined) throw missing(asked);
    if (others.some(({ callee, mode }) => callee !== only.callee || mode !== only.mode))
      throw ambiguous(asked, found);
    if (only.mode === 'exchange') return this.byName(only.callee);
    return only.mode === 'embed' ? this.#presentChild(only.callee) : this.#presentOwn(only.audience);
  }

  #presentChild(name: string): OutboundToken {
    const known = this.token.sent?.get(name);
    if (known !== undefined) return known;
    const child = this.#child(name);
    const { exp } = child;
    const audience = child.audiences[0] ?? '';
    const outbound = { callee: name, audience, compact: child.outbound(), exp };
    // A child that is packed anew is in pieces. Of a JWT's payload, JSON.parse has made each text for itself.
    const sent = isPacked(this.token.compact) ? copyOutbound(outbound) : outbound;
    this.token.sent ??= new Map();
    this.token.sent.set(sent.callee, sent);
    return sent;
  }

  /** Not one that embeds children, which the callee could use, nor one that is bound to its client's key. */
  #presentOwn(audience: string): OutboundToken {
    const { compact, claims, carried } = this.token;
    if (carried.length > 0) {
      throw new WaybillError('child_foreign', `a token that embeds others is not forwarded to ${audience}`);
    }
    if (bindingsOf(claims) !== undefined) {
      throw new WaybillError(
        'child_foreign',
        `a token that is bound to its client's key is not forwarded to ${audience}`,
      );
    }
    return { callee: audience, audience, compact, exp: claims.exp };
  }

  #child(name: string): EmbeddedChild {
    const known = this.#children?.get(name);
    if (known !== undefined) return known;
    const { open, carry = openChild } = this.#options;
    this.#opened ??= open(this.token.compact);
    const embedded = namedEntry(this.#opened.claims.embedded, name);
    if (embedded === undefined) throw missing(name);
    const child = carry(this.#opened, name, embedded);
    this.#children ??= new Map();
    this.#children.set(name, child);
    return child;
  }

  #candidatesAt(target: UrlPrefix): readonly Candidate[] {
    this.token.prefixed ??= this.#allCandidates().flatMap((value) => {
      const prefix = parsePrefix(value.audience);
      return prefix === undefined ? [] : [{ prefix, value }];
    });
    return longestMatch(target, this.token.prefixed);
  }

  #allCandidates(): readonly Candidate[] {
    const { claims, carried } = this.token;
    this.token.candidates ??= [
      ...carried.flatMap((callee) =>
        this.#child(callee).audiences.map((audience, at): Candidate => ({
          audience: copyText(audience),
          mode: 'embed',
          callee,
          isFurther: at > 0,
        })),
      ),
      ...Object.entries(claims.on_demand ?? {}).flatMap(([callee, audiences]) =>
        asList(audiences).map((audience): Candidate => ({
          audience,
          mode: 'exchange',
          callee,
          isFurther: false,
        })),
      ),
      ...audiencesOf(claims)
        .filter((audience) => !this.#options.audiences.includes(audience))
        .map((audience): Candidate => ({ audience, mode: 'forward', callee: audience, isFurther: false })),
    ];
    return this.token.candidates;
  }
}

/** The name or audience that an address leads to: that of a route; else its origin, which most audiences are. */
export function routedName(callee: string | URL, routes: readonly PrefixedValue<string>[]): string {
  if (typeof callee === 'string' && isName(callee)) return callee;
  const target = parseAddress(callee);
  const [route] = target === undefined ? [] : longestMatch(target, routes);
  return route ?? target?.origin ?? String(callee);
}

/** A name of the graph has no colon; an audience, a URI, always has one. */
export function isName(callee: string): boolean {
  return !callee.includes(':');
}

function missing(callee: string): WaybillError {
  return new WaybillError(
    'child_missing',
    `the token of this request holds none for ${callee}, so nothing is sent`,
  );
}

function ambiguous(asked: string, found: readonly Candidate[]): WaybillError {
  const callees = found.map(({ callee }) => callee).join(', ');
  return new WaybillError('child_ambiguous', `several callees share the audience of ${asked}; ask by name`, {
    detail: callees,
  });
}
