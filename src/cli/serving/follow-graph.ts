/** Tells when the files of a graph change: what they hold, where they lie, or which they are. */
import { graphFiles } from '../../graph/index.ts';
import { FileFollower } from './follow-files.ts';

/**
 * Call it before reading the graph: every later change is reported after `start`.
 *
 * @param paths of the graph; folders are listed at each check as they are for reading.
 */
export async function followGraph(paths: readonly string[]): Promise<FileFollower> {
  const follower = new FileFollower();
  await follower.followListed(() => graphFiles(paths));
  return follower;
}
