/** Shows on a terminal which stage of long work is under way. On standard error, apart from the result, and gone at the end. */
import { SingleBar } from 'cli-progress';

/**
 * @param stages how many there are.
 * @param work gets a function that begins the next stage; its text says what is done.
 */
export async function withStages<Result>(
  stages: number,
  work: (begin: (text: string) => void) => Promise<Result>,
): Promise<Result> {
  if (!process.stderr.isTTY) return work(() => undefined);
  const bar = new SingleBar({
    format: '[{bar}] {text}',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    // The work leaves no time for a timer in between.
    synchronousUpdate: true,
    fps: Infinity,
  });
  let begun = 0;
  bar.start(stages, 0, { text: '' });
  try {
    return await work((text) => bar.update(begun++, { text }));
  } finally {
    bar.stop();
  }
}
