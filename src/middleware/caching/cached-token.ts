/**
 * What stays of a verified token for later requests that come with it: its text, its claims, and the children that were
 * asked for, as they are sent. The decoded tree is not part of it: a thousand of them would cost
 * memory and garbage collection, and few are asked for another child.
 *
 * These texts keep neither the header of the token nor its packed bundle in memory. `presentedToken` copies a token that is
 * a small piece of its header. Claims need no copy, because JSON.parse and the reader of packed tokens make new texts.
 */

import { copyText } from '../../input/copy-text.ts';
import type { VerifiedTree } from '../../token/index.ts';
import type { PrefixedValue } from '../extractor/url-prefix.ts';
import { visibleClaims, type VisibleClaims } from '../extractor/visible-claims.ts';

/** A token that may be sent to `callee`. */
export interface OutboundToken {
  /** The callee's name, or its audience where the caller's own token is forwarded. For messages and budgets. */
  readonly callee: string;
  readonly audience: string;
  /** As it is sent, packed or not. */
  readonly compact: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

/** The same with copied texts, for caches. */
export function copyOutbound({ callee, audience, compact, exp }: OutboundToken): OutboundToken {
  return { callee: copyText(callee), audience: copyText(audience), compact: copyText(compact), exp };
}

/** How a callee that an audience belongs to gets its token. */
export interface Candidate {
  readonly audience: string;
  readonly mode: 'embed' | 'exchange' | 'forward';
  /** The callee's name; its audience for `forward`, where the token has no name for it. */
  readonly callee: string;
  /** Whether it is not the first audience of an embedded callee's token. */
  readonly isFurther: boolean;
}

export class CachedToken {
  /** As presented, packed or not. Never put it in a message or a log. */
  readonly compact: string;
  /** Frozen, as all claims are: every request with this token gets the same object. */
  readonly claims: VisibleClaims;
  readonly scopes: readonly string[];
  /**
   * Characters that an entry may keep: the token's own text, and once more the nested token, which contains its claims and
   * its children.
   */
  readonly chars: number;
  /** Names of the callees whose tokens it carries. */
  readonly carried: readonly string[];
  /** Whether the issuer may know more of a callee that the token lacks: which login would give it. */
  readonly hasVerdicts: boolean;
  /** Children that were asked for, by name. */
  sent: Map<string, OutboundToken> | undefined;
  /** All callees, and those whose audience is a URL prefix. Set by the first request by address. */
  candidates: readonly Candidate[] | undefined;
  prefixed: readonly PrefixedValue<Candidate>[] | undefined;

  constructor({ compact, claims, scopes, node }: VerifiedTree) {
    this.compact = compact;
    this.claims = visibleClaims(claims);
    this.scopes = scopes;
    this.carried = Object.keys(claims.embedded ?? {});
    this.hasVerdicts = claims['held'] !== undefined;
    this.chars = compact.length + (node?.length ?? compact.length);
  }
}
