/**
 * What becomes of a refusal, in one place for every adapter: `enforce` throws it, `report` says what would have been
 * refused and lets the request pass.
 */

import { isWaybillError, type WaybillError } from '../../errors.ts';
import { openAgain, type AccessTokenClaims, type TokenVerifierOptions } from '../../token/index.ts';
import { requireFunction, requireOneOf, usage } from '../option-checks.ts';
import { isRefusal } from '../request/refusal.ts';
import { DECISION_MODES, type Decision, type DecisionOptions, type DecisionMode } from './decision.ts';

export interface DecisionSettings {
  readonly mode: DecisionMode;
  readonly onDecision: ((decision: Decision) => void) | undefined;
}

/** @throws WaybillError `usage` */
export function readDecisionOptions({ mode = 'enforce', onDecision }: DecisionOptions): DecisionSettings {
  requireOneOf(mode, DECISION_MODES, 'mode');
  if (onDecision !== undefined) requireFunction(onDecision, 'onDecision');
  else if (mode === 'report') throw usage("mode: 'report' needs onDecision, which gets the reports");
  return { mode, onDecision };
}

/** Claims that say whose request it is. */
type Named = Pick<AccessTokenClaims, 'txn' | 'act' | 'client_id'>;

/** What was decided about. */
export interface Subject {
  readonly audience: string;
  readonly scope?: readonly string[];
  readonly callee?: string;
  /** The claims of the verified token. */
  readonly claims?: Named | undefined;
  /** In place of claims: a token that was not verified. */
  readonly presented?: string | undefined;
}

export type Decisions = ReturnType<typeof decisionsBy>;

/** @param bounds within which a token that was not verified is read for its `txn`. */
export function decisionsBy(
  at: Decision['at'],
  { mode, onDecision }: DecisionSettings,
  bounds: Pick<TokenVerifierOptions, 'maxBytes' | 'unpack'> = {},
) {
  function describe({ audience, scope = [], callee, claims, presented }: Subject) {
    const named = claims ?? (presented === undefined ? undefined : claimed(presented));
    return {
      audience,
      ...(named === undefined ? {} : { txn: named.txn, caller: named.act?.sub ?? named.client_id }),
      ...(named === undefined || claims !== undefined ? {} : ({ unverified: true } as const)),
      ...(scope.length === 0 ? {} : { scope: scope.join(' ') }),
      ...(callee === undefined ? {} : { callee }),
    };
  }

  /** What a token says of itself: for the log, never for a decision. */
  function claimed(presented: string): Named | undefined {
    try {
      const { txn, act, client_id } = openAgain(presented, bounds).claims;
      const caller = act?.sub ?? client_id;
      // Anything can be in it: a name of the graph or a URI is short and visible.
      return /^[\x21-\x7e]{1,256}$/.test(caller) ? { txn, client_id: caller } : undefined;
    } catch (error) {
      if (isWaybillError(error)) return undefined;
      throw error;
    }
  }

  return {
    /** Absent where nobody asks. */
    accepted:
      onDecision &&
      ((subject: Subject): void => {
        onDecision({ decision: 'accepted', at, ...describe(subject) });
      }),
    /**
     * @returns the refusal, where it is only reported.
     * @throws the error where refusals are enforced, or where it is none.
     */
    refused(error: unknown, subject: Subject): WaybillError {
      if (!isWaybillError(error) || !(at === 'call' ? error.code !== 'usage' : isRefusal(error))) throw error;
      const { code, message: reason, detail } = error;
      const decision = mode === 'report' ? 'reported' : 'refused';
      const about = { error: code, reason, ...(detail === undefined ? {} : { detail }) };
      onDecision?.({ decision, at, ...about, ...describe(subject) });
      if (mode === 'enforce') throw error;
      return error;
    },
  };
}
