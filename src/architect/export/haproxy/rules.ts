/**
 * The rules of a frontend in both modes. Where they enforce, the first refusal ends the request. Where they report, it is
 * kept in `txn.refusal`, and nothing that follows reads the token or tells the service of it.
 */
import type { ErrorCode } from '../../../errors.ts';
import type { ExportMode } from '../report/mode.ts';
import { when } from './text.ts';

export type Rule = Refusal | Reading | Permission | Outcome | Always;

/** Refuses a request. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly status: 400 | 401 | 403;
  /** In report mode, in the words of the middleware. */
  readonly code: ErrorCode;
  readonly condition: Condition;
  /** More exact codes for some of these requests, by a further condition; the first that holds counts. Cheap to look at. */
  readonly cases?: readonly (readonly [code: ErrorCode, condition: string])[];
}

/** All of a list must hold; or one must not; or nothing has allowed the request. */
export type Condition =
  { readonly if: readonly string[] } | { readonly unless: string } | { readonly otherwise: true };

/** Reads what only a request that is not refused yet may show. */
export interface Reading {
  readonly kind: 'reading';
  readonly action: string;
  readonly conditions: readonly string[];
}

/** Accepts a request. */
export interface Permission {
  readonly kind: 'permission';
  readonly conditions: readonly string[];
}

/** What happens to a request that is accepted. In report mode it comes behind all that may refuse. */
export interface Outcome {
  readonly kind: 'outcome';
  readonly action: string;
  readonly conditions: readonly string[];
}

/** The same in both modes, for every request. */
export interface Always {
  readonly kind: 'always';
  readonly action: string;
  readonly conditions: readonly string[];
}

export function refusal(status: Refusal['status'], code: ErrorCode, condition: Condition): Refusal {
  return { kind: 'refusal', status, code, condition };
}

export function reading(action: string, ...conditions: readonly string[]): Reading {
  return { kind: 'reading', action, conditions };
}

export function outcome(action: string, ...conditions: readonly string[]): Outcome {
  return { kind: 'outcome', action, conditions };
}

export function always(action: string, ...conditions: readonly string[]): Always {
  return { kind: 'always', action, conditions };
}

/** Lines of a frontend. */
export function ruleLines(rules: readonly Rule[], mode: ExportMode): readonly string[] {
  if (mode === 'enforce') return rules.map(enforced);
  return [...rules.flatMap(reported), ...rules.flatMap(afterReport)];
}

function enforced(rule: Rule): string {
  if (rule.kind === 'permission') return line('allow', rule.conditions);
  if (rule.kind !== 'refusal') return line(rule.action, rule.conditions);
  const deny = `deny deny_status ${rule.status}`;
  return 'unless' in rule.condition
    ? `http-request ${deny} unless ${when(rule.condition.unless)}`
    : line(deny, termsOf(rule.condition, []));
}

const REFUSED = 'var(txn.refusal) -m found';
const ALLOWED = 'var(txn.allowed) -m bool';
const NOT_REFUSED = `!${REFUSED}`;

function reported(rule: Rule): string[] {
  switch (rule.kind) {
    case 'refusal': {
      const terms = termsOf(rule.condition, [`!${ALLOWED}`]);
      return [
        ...(rule.cases ?? []).map(([code, condition]) => remember(code, [condition, ...terms])),
        remember(rule.code, terms),
      ];
    }
    case 'reading':
      return [line(rule.action, [NOT_REFUSED, ...rule.conditions])];
    case 'permission':
      // HAProxy takes at most 64 words in a line. What it reads of a refused request is empty, and `outcome` looks again.
      return [line('set-var(txn.allowed) bool(1)', rule.conditions)];
    case 'always':
      return [line(rule.action, rule.conditions)];
    case 'outcome':
      return [];
  }
}

function afterReport(rule: Rule): string[] {
  return rule.kind === 'outcome' ? [line(rule.action, [NOT_REFUSED, ...rule.conditions])] : [];
}

function termsOf(condition: Condition, otherwise: readonly string[]): readonly string[] {
  if ('if' in condition) return condition.if;
  return 'unless' in condition ? [`!${condition.unless}`] : otherwise;
}

function remember(code: ErrorCode, conditions: readonly string[]): string {
  return line(`set-var(txn.refusal) str(${code})`, [NOT_REFUSED, ...conditions]);
}

function line(action: string, conditions: readonly string[]): string {
  return `http-request ${action}${conditions.length === 0 ? '' : ` if ${when(...conditions)}`}`;
}
