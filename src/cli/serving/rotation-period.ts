/** `--rotate-keys`: how often the signing key changes. */
import { InvalidArgumentError, Option } from 'commander';
import { PUBLICATION_LEAD } from '../../issuer/keys/index.ts';

const SECONDS: Readonly<Record<string, number>> = { h: 60 * 60, d: 24 * 60 * 60 };
const LONGEST = 3650 * 24 * 60 * 60;

/** @param says the help text. */
export function rotationOption(says: string): Option {
  return new Option('--rotate-keys <period>', says).argParser(readPeriod);
}

/** The minimum is the time until every verifier knows the next key. */
function readPeriod(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([hd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? Number.NaN);
  if (seconds >= PUBLICATION_LEAD && seconds <= LONGEST) return seconds;
  throw new InvalidArgumentError(
    `It must be a number of hours or days, such as 12h or 30d, from ${PUBLICATION_LEAD / 3600}h to 3650d.`,
  );
}
