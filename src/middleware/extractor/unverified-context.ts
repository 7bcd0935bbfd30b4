/**
 * With `mode: 'report'`: what a handler gets where the request would have been refused. It holds nothing of the request:
 * whoever reads claims meets the refusal, and calls go out without a token.
 */

import type { Decisions, Subject } from '../decisions/decisions.ts';
import { WaybillError } from '../../errors.ts';
import { callWith, calleeOf, type CallHeaders, type RequestContext } from './request-context.ts';
import type { RequestLineage } from './lineage.ts';
import type { Settings } from './settings.ts';
import type { VisibleClaims } from './visible-claims.ts';

export class UnverifiedContext implements RequestContext {
  readonly verified = false;
  readonly #refused: WaybillError;
  readonly #subject: Subject;
  readonly #settings: Settings;
  readonly #calls: Decisions;

  /** @param refused why the request's token was not accepted. */
  constructor(refused: WaybillError, subject: Subject, settings: Settings, calls: Decisions) {
    this.#refused = refused;
    this.#subject = subject;
    this.#settings = settings;
    this.#calls = calls;
  }

  get claims(): VisibleClaims {
    throw this.#refusal();
  }

  get scopes(): readonly string[] {
    throw this.#refusal();
  }

  get lineage(): RequestLineage {
    throw this.#refusal();
  }

  child(): string {
    throw this.#refusal();
  }

  headersFor(callee: string | URL): CallHeaders {
    const { code } = this.#refused;
    const none = `the token of this request was not accepted (${code}), so there is none for the call`;
    this.#calls.refused(new WaybillError('child_missing', none), {
      ...this.#subject,
      callee: calleeOf(callee),
    });
    return {};
  }

  async obtainHeaders(callee: string | URL): Promise<CallHeaders> {
    return this.headersFor(callee);
  }

  async fetch(address: string | URL, init?: RequestInit): Promise<Response> {
    return callWith(this.#settings.fetch, address, init, async () => this.headersFor(address));
  }

  /** A new one, so that its stack shows who did not look at `verified`. */
  #refusal(): WaybillError {
    return new WaybillError(this.#refused.code, this.#refused.message);
  }
}
