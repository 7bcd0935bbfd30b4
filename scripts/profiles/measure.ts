/** How long a token a server takes, found by bisection, and how that compares with what its profile says. */
import { budgetAt } from '../../src/planning/header-budget/hop-budgets.ts';
import { PASSED, reserveOf, send, type Header, type Outcome, type Protocol } from './request.ts';

export interface Measured {
  readonly claimed: number;
  /** Characters of the longest token that passed. */
  readonly passed: number;
  /** What became of one that was a character longer; absent where none was refused. */
  readonly beyond: Outcome | undefined;
  readonly verdict: 'exact' | 'safe' | 'overclaims';
}

export interface Question {
  readonly profile: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Beside `Host` and `Authorization`. */
  readonly headers: readonly Header[];
}

/** No longer token is tried. */
export const LONGEST = 4 * 1024 * 1024;
/** A claim that is at most this many bytes too small is called exact. */
const NEAR = 32;

/** Twenty headers of about 2,000 bytes, as a request has that came through proxies. */
export const TWENTY: readonly Header[] = Array.from({ length: 20 }, (_, at) => [
  `x-measured-${String(at).padStart(2, '0')}`,
  'v'.repeat(86),
]);

export async function measure({ profile, ...question }: Question): Promise<Measured> {
  const claimed =
    budgetAt({ profile, maxLine: undefined, maxTotal: undefined }, reserveOf(question)).limit ?? Infinity;
  let [passed, refused] = [0, LONGEST + 1];
  let beyond: Outcome | undefined;
  const tryLength = async (length: number): Promise<void> => {
    const outcome = await send({ ...question, length });
    if (outcome === PASSED) passed = length;
    else [refused, beyond] = [length, outcome];
  };
  // What is claimed comes first: mostly it passes, and little more does.
  for (const length of [claimed, claimed + NEAR, claimed * 2, LONGEST])
    if (length > passed && length < refused && length <= LONGEST) await tryLength(length);
  while (refused - passed > 1 && refused <= LONGEST) await tryLength(Math.floor((passed + refused) / 2));
  return { claimed, passed, beyond, verdict: verdictOf(claimed, passed) };
}

/** The claim alone: one token of its length. */
export async function holdsClaim({ profile, ...question }: Question): Promise<Outcome> {
  const { limit } = budgetAt({ profile, maxLine: undefined, maxTotal: undefined }, reserveOf(question));
  return limit === undefined ? PASSED : send({ ...question, length: limit });
}

function verdictOf(claimed: number, passed: number): Measured['verdict'] {
  if (passed < claimed) return 'overclaims';
  return passed - claimed <= NEAR ? 'exact' : 'safe';
}
