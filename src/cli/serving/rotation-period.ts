/** `--rotate-keys`: how often the schedule changes the key that signs. */
import { InvalidArgumentError, Option } from 'commander';
import { PUBLICATION_LEAD } from '../../issuer/keys/index.ts';

const SECONDS: Readonly<Record<string, number>> = { h: 60 * 60, d: 24 * 60 * 60 };
const LONGEST = 3650 * 24 * 60 * 60;

/** @param says what the command does with it. */
export function rotationOption(says: string): Option {
  return new Option('--rotate-keys <period>', says).argParser(readPeriod);
}

/** A key cannot be changed more often than the next one takes to become known. */
function readPeriod(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([hd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? Number.NaN);
  if (seconds >= PUBLICATION_LEAD && seconds <= LONGEST) return seconds;
  throw new InvalidArgumentError(
    `A period is a number of hours or days, 12h or 30d, from ${PUBLICATION_LEAD / 3600}h to 3650d.`,
  );
}
