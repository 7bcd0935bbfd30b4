/** What extractor and gateway decide about a request, told to the service for its log. No token and no secret is in it. */

import type { ErrorCode } from '../../errors.ts';

/** Whether a refused request is answered, or only reported. */
export type DecisionMode = 'enforce' | 'report';
export const DECISION_MODES = ['enforce', 'report'] as const satisfies readonly DecisionMode[];

/**
 * One decision, ready for a log: `onDecision: (decision) => log.info(decision, decision.decision)`. `waybill explain TXN
 * --log FILE…` reads such lines. A member that says nothing is left out.
 */
export interface Decision {
  /**
   * `accepted`: the token was verified. `refused`: the request was answered, or the call was not made. `reported`: it
   * would have been refused, and went on, as `mode: 'report'` wants it.
   */
  readonly decision: 'accepted' | 'refused' | 'reported';
  /** Where: before a service, at the gateway, or at a call that the service makes. */
  readonly at: 'service' | 'gateway' | 'call';
  /** The audience of the service, or of the one behind the gateway's route. */
  readonly audience: string;
  /** Of a refusal: the code of the `WaybillError`. */
  readonly error?: ErrorCode;
  /** Its message. */
  readonly reason?: string;
  /** Its `detail`, for the log alone. */
  readonly detail?: string;
  /** Of the request's token. Where `unverified` is set, anyone can have written it. */
  readonly txn?: string;
  /** Whom the token names as its presenter (`act`), or the client of a root. */
  readonly caller?: string;
  /** Set where `txn` and `caller` are read out of a token that was not verified. */
  readonly unverified?: true;
  /** The scopes that the operation asks for, separated by blanks. */
  readonly scope?: string;
  /** Of a call: the callee's name, or the origin of the address. */
  readonly callee?: string;
}

export interface DecisionOptions {
  /**
   * `report` lets every request pass, also one that would be refused, and says so in `onDecision`: for services that
   * adopt Waybill while not all of their callers do. It needs `onDecision`. Default: `enforce`.
   */
  readonly mode?: DecisionMode | undefined;
  /**
   * Called with each decision, accepted requests too, before the request goes on. What it throws fails the request.
   * Required with `mode: 'report'`; otherwise, by default, nothing is said.
   */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
}
