/** The claims of a provider's token that a tree carries, or that decide about its scopes. */
import { WaybillError } from '../../errors.ts';
import { hasWrittenNumber } from '../../input/exact-number.ts';
import {
  claimAt,
  conjunctsOfRequest,
  isAllowed,
  subjectPaths,
  valueBytes,
  type ClaimPlan,
  type ClientPlan,
  type Plan,
} from '../../graph/index.ts';

/** In these claims, numbers that a double would change are a `WrittenNumber`. */
export type SubjectClaims = Readonly<Record<string, unknown>>;

/**
 * A claim of a subject within its bound (rule 3 of the graph; header budgets rely on it). A value that the claim does not
 * allow, of another type or none of its `values`, counts as missing.
 *
 * @throws WaybillError `invalid_grant` if it is larger, or has a number that a token cannot carry.
 */
export function subjectClaim(claims: SubjectClaims, claim: ClaimPlan): unknown {
  const { name, source, maxBytes } = claim;
  if (!('path' in source)) return undefined;
  const value = claimAt(claims, source.path);
  if (value === undefined || value === null) return undefined;
  requireExact(name, value);
  if (!isAllowed(value, claim)) return undefined;
  const bytes = valueBytes(value);
  if (maxBytes !== undefined && bytes > maxBytes)
    throw new WaybillError(
      'invalid_grant',
      `The claim ${name} of this subject has ${bytes} bytes; at most ${maxBytes} are allowed.`,
    );
  return value;
}

/**
 * Checks the claims on which scopes of the client depend (`when`): 9007199254740993 must neither pass for
 * 9007199254740992 nor silently count as a different value.
 *
 * @throws WaybillError `invalid_grant` that names the claim.
 */
export function checkConditions(claims: SubjectClaims, plan: Plan, { calls }: ClientPlan): void {
  for (const path of subjectPaths(conjunctsOfRequest(plan, calls))) requireExact(path, claimAt(claims, path));
}

function requireExact(name: string, value: unknown): void {
  if (!hasWrittenNumber(value)) return;
  throw new WaybillError(
    'invalid_grant',
    `The claim ${name} of this subject has a number that a token cannot carry exactly. The provider must send it as text.`,
  );
}
