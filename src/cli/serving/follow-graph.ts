/** Tells when the files of a graph change: what they hold, where they lie, or which they are. */
import { graphFiles } from '../../graph/index.ts';
import { FileFollower } from './follow-files.ts';

/**
 * Call it before the graph is read: every change from here on is told, once somebody listens (`start`).
 *
 * @param paths of the graph; folders are listed with each look as they are for reading.
 */
export async function followGraph(paths: readonly string[]): Promise<FileFollower> {
  const follower = new FileFollower();
  await follower.followListed(() => graphFiles(paths));
  return follower;
}
