/**
 * Finds the token for a callee, in the one verified token of this request and nowhere else (threat 3).
 *
 * A callee whose token is not there is an error. The inbound token is sent on only where its own `aud` names the
 * callee too, which the graph calls `forward`; it never stands in for a child that is missing (threat 5).
 */

import { WaybillError } from '../errors.ts';
import { audiencesOf, bindingsOf, carriedChild, namedEntry } from '../token/index.ts';
import type { CarriedChild, VerifiedToken } from '../token/index.ts';
import { usage } from './options.ts';
import { visibleClaims } from './visible-claims.ts';
import type { VisibleClaims } from './visible-claims.ts';
import { baseOf, longestWithin, placeOf } from './place.ts';
import type { Place, PlacedValue } from './place.ts';

/** A token that may be sent to `callee`. */
export interface Presentable {
  /** The callee's name, or its audience where the caller's own token is forwarded. For messages and budgets. */
  readonly callee: string;
  readonly audience: string;
  /** As it is sent, be it packed. */
  readonly compact: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

/** A callee whose token is not in the caller's: it takes an exchange. */
export interface Fetchable {
  readonly callee: string;
  readonly audience: string;
  readonly compact?: undefined;
}

export type Found = Presentable | Fetchable;

export function isFetchable(found: Found): found is Fetchable {
  return found.compact === undefined;
}

/** How a callee that an audience belongs to gets its token. */
interface Candidate {
  readonly audience: string;
  readonly mode: 'embed' | 'exchange' | 'forward';
  /** The callee's name; its audience for `forward`, where the token has no name for it. */
  readonly callee: string;
}

/**
 * The callees of one inbound token. Children are decoded when they are looked for, and packed when they are asked for,
 * once per token; both are kept as long as the verified token is.
 */
export class Callees {
  readonly #token: VerifiedToken;
  readonly #ownAudience: string;
  readonly #children = new Map<string, CarriedChild>();
  /** As they are sent. */
  readonly #sent = new Map<string, string>();
  readonly #carry: typeof carriedChild;
  #visible: VisibleClaims | undefined;
  #candidates: readonly Candidate[] | undefined;
  #placed: readonly PlacedValue<Candidate>[] | undefined;

  /** @param carry takes a child out of its parent. */
  constructor(token: VerifiedToken, ownAudience: string, carry = carriedChild) {
    this.#token = token;
    this.#ownAudience = ownAudience;
    this.#carry = carry;
  }

  get token(): VerifiedToken {
    return this.#token;
  }

  /** Frozen, as all claims are: every request with this token gets the same object. */
  get visibleClaims(): VisibleClaims {
    this.#visible ??= visibleClaims(this.#token.claims);
    return this.#visible;
  }

  /** @throws WaybillError `child_missing`, `child_foreign`. */
  byName(name: string): Found {
    const { embedded, on_demand: onDemand } = this.#token.claims;
    if (namedEntry(embedded, name) !== undefined) return this.#presentChild(name);
    const audience = namedEntry(onDemand, name);
    if (audience !== undefined) return { callee: name, audience };
    throw missing(name);
  }

  /**
   * By address: the longest route that fits, else the longest audience, whatever its mode. On segments, not text.
   *
   * @throws WaybillError as `byName`; `child_ambiguous` where two callees have that audience; `usage` for an address
   *   that is not http(s), has user information or an encoded dot segment.
   */
  byAddress(address: string | URL, routes: readonly PlacedValue<string>[]): Found {
    const target = placeOf(address);
    if (target === undefined) {
      throw usage('an address is absolute, http or https, without user information or encoded dot segments');
    }
    const [route] = longestWithin(target, routes);
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
    const [only, ...others] = found;
    if (only === undefined) throw missing(asked);
    if (others.length > 0) throw ambiguous(asked, found);
    if (only.mode === 'exchange') return { callee: only.callee, audience: only.audience };
    return only.mode === 'embed' ? this.#presentChild(only.callee) : this.#presentOwn(only.audience);
  }

  #presentChild(name: string): Presentable {
    const child = this.#child(name);
    const compact = this.#sent.get(name) ?? child.travelling();
    this.#sent.set(name, compact);
    return { callee: name, audience: child.audience, compact, exp: child.exp };
  }

  /** Never one that carries children, which whoever gets it could use, nor one that is good for its client's key alone. */
  #presentOwn(audience: string): Presentable {
    const { compact, claims } = this.#token;
    if (Object.keys(claims.embedded ?? {}).length > 0) {
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

  #child(name: string): CarriedChild {
    const known = this.#children.get(name);
    if (known !== undefined) return known;
    const { claims } = this.#token;
    const embedded = namedEntry(claims.embedded, name);
    if (embedded === undefined) throw missing(name);
    const child = this.#carry(this.#token, name, embedded);
    this.#children.set(name, child);
    return child;
  }

  #candidatesAt(target: Place): readonly Candidate[] {
    this.#placed ??= this.#allCandidates().flatMap((value) => {
      const base = baseOf(value.audience);
      return base === undefined ? [] : [{ base, value }];
    });
    return longestWithin(target, this.#placed);
  }

  #allCandidates(): readonly Candidate[] {
    const { claims } = this.#token;
    this.#candidates ??= [
      ...Object.keys(claims.embedded ?? {}).map((callee): Candidate => ({
        audience: this.#child(callee).audience,
        mode: 'embed',
        callee,
      })),
      ...Object.entries(claims.on_demand ?? {}).map(([callee, audience]): Candidate => ({
        audience,
        mode: 'exchange',
        callee,
      })),
      ...audiencesOf(claims)
        .filter((audience) => audience !== this.#ownAudience)
        .map((audience): Candidate => ({ audience, mode: 'forward', callee: audience })),
    ];
    return this.#candidates;
  }
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
