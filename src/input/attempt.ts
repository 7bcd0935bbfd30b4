/** What a function returns; undefined where it throws, for parsers whose errors may quote what they could not read. */
export function attempt<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
