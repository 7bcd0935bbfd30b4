/**
 * Why a call must not forward its token (rule 7). All reasons of the calls of one service by another are one finding, at
 * these calls.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { partyNames } from '../causes.ts';
import type { CallPlan } from '../compile/plan.ts';
import type { Branch } from '../compile/walk.ts';
import type { Cause, Findings } from '../finding.ts';

const SHOWN_REASONS = 3;

export function causeOfLeaks(caller: string, callee: string, reason: string): Cause<string> {
  return {
    key: `${caller} ${callee}`,
    part: reason,
    words: (reasons) => {
      const shown = reasons.slice(0, SHOWN_REASONS).join(' ');
      const more = reasons.length - SHOWN_REASONS;
      const rest =
        more <= 0 ? '' : more === 1 ? ' There is one more reason.' : ` There are ${more} more reasons.`;
      return {
        message: `${caller} must not forward its token to ${callee}. ${shown}${rest}`,
        hint: 'Embed: the callee then gets a token of its own.',
      };
    },
  };
}

interface Reason {
  readonly message: string;
  readonly hint: string;
}

/** What only trees show. The names are of callees, of claims, or of clients. */
const REASONS = {
  embedded: (caller, callee, names) => ({
    message: `${caller} forwards its token to ${callee}, which would find ${names.length > 1 ? `the tokens of ${partyNames(names)}` : `${names[0]}'s token`} in it.`,
    hint: 'Embed this call too, or let the scopes be asked for apart.',
  }),
  fetched: (caller, callee, names) => ({
    message: `${caller} forwards its token to ${callee}, which would find that it may fetch ${names.length > 1 ? `the tokens of ${partyNames(names)}` : `${names[0]}'s`}.`,
    hint: 'Embed this call too, or let the scopes be asked for apart.',
  }),
  claims: (caller, callee, names) => ({
    message: `${callee} would read the ${names.length > 1 ? 'claims' : 'claim'} ${partyNames(names)} in ${caller}'s token, which ${names.length > 1 ? 'are' : 'is'} not among its own.`,
    hint: `Give ${callee} the ${names.length > 1 ? 'claims' : 'claim'}, or embed.`,
  }),
  forwarded: (_caller, callee, names) => ({
    message: `${callee} could use the token at ${partyNames(names)}, which ${names.length > 1 ? 'take' : 'takes'} it forwarded too.`,
    hint: names.length > 1 ? 'Embed this call, or all the others.' : 'Embed one of the two calls.',
  }),
  bound: (caller, callee, names) => ({
    message: `The tokens of ${partyNames(names)} are bound to a key, and ${caller} would forward its own to ${callee}.`,
    hint: 'Embed: the callee then gets a token that names the service which presents it.',
  }),
} satisfies Record<string, (caller: string, callee: string, names: readonly string[]) => Reason>;

export type LeakKind = keyof typeof REASONS;

interface Pair {
  readonly caller: string;
  readonly callee: string;
  readonly kinds: Map<LeakKind, { readonly names: Set<string>; readonly calls: Set<CallPlan> }>;
}

/** Collects over all trees, so that each reason is said once with all its names. */
export class Leaks {
  readonly #pairs = new Map<string, Pair>();

  add(caller: string, { callee, calls }: Branch, kind: LeakKind, name: string): void {
    const pair = getOrAdd(this.#pairs, `${caller} ${callee}`, (): Pair => ({
      caller,
      callee,
      kinds: new Map(),
    }));
    const leak = getOrAdd(pair.kinds, kind, () => ({ names: new Set<string>(), calls: new Set<CallPlan>() }));
    leak.names.add(name);
    if (calls[0]) leak.calls.add(calls[0]);
  }

  report(findings: Findings): void {
    for (const { caller, callee, kinds } of this.#pairs.values()) {
      for (const [kind, { names, calls }] of kinds) {
        const { message, hint } = REASONS[kind](caller, callee, [...names]);
        const cause = causeOfLeaks(caller, callee, message);
        for (const call of calls) findings.add('forward-leaks', call, message, hint, [], cause);
      }
    }
  }
}
