/** What a script is asked for, read the same way in each. */

/** Runs a script with its arguments; where they cannot be read it says so, and ends with exit code 2. */
export async function withArguments<Wanted>(
  read: () => Wanted,
  run: (wanted: Wanted) => Promise<void>,
): Promise<void> {
  let wanted: Wanted;
  try {
    wanted = read();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
    return;
  }
  await run(wanted);
}

/** @throws TypeError for anything but a whole number from 1 to 999,999. */
export function positive(option: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new TypeError(`--${option} takes a number from 1`);
  return Number(text);
}
