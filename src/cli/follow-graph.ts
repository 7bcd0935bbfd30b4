/** Tells when a file of the graph changes. */
import { statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { watch } from 'chokidar';

const SETTLE_MS = 200;
const READY_MS = 3_000;

/**
 * Editors write a file in several steps, and replace it: its folder is watched, and changes are let settle.
 *
 * @param onChange told of the file that changed last.
 * @param onError told of why changes cannot be followed.
 * @returns what ends it.
 */
export async function followGraph(
  paths: readonly string[],
  onChange: (path: string) => void,
  onError: (error: unknown) => void,
): Promise<() => Promise<void>> {
  const full = paths.map((path) => resolve(path));
  const files = new Set(full.filter((path) => statSync(path).isFile()));
  const folders = full.filter((path) => !files.has(path));
  const besides = new Set([...files].map(dirname));
  const within = (path: string) => folders.some((folder) => path === folder || path.startsWith(folder + sep));
  const isGraphFile = (path: string) => files.has(path) || (within(path) && /\.ya?ml$/.test(path));
  const watcher = watch([...folders, ...besides], {
    ignoreInitial: true,
    depth: 16,
    // Of the folder in which a single file lies, nothing else is looked at, however much there is.
    ignored: (path, stats) =>
      within(path) ? stats?.isFile() === true && !isGraphFile(path) : !files.has(path) && !besides.has(path),
  });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', (_event, path) => {
    if (!isGraphFile(path)) return;
    clearTimeout(timer);
    timer = setTimeout(() => onChange(path), SETTLE_MS);
  });
  watcher.on('error', onError);
  // A change from before it is ready would go unseen; a folder of a size that no graph has is not waited for.
  const ready = new Promise((done) => watcher.once('ready', () => done(undefined)));
  await Promise.race([ready, setTimeoutAsync(READY_MS, undefined, { ref: false })]);
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}
