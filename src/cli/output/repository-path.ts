/** Paths of files as a code host knows them: relative to the top of the repository, whatever the working directory. */
import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * @returns a function that gives a path from the top of the repository, with `/`, or an absolute one for a file outside it. The
 *   top is GITHUB_WORKSPACE, or else the next folder above with `.git`, or else the working directory.
 */
export function repositoryPaths(): (file: string) => string {
  const top = topOfRepository();
  return (file) => {
    const full = path.resolve(file);
    const inside = path.relative(top, full);
    const isOutside = inside === '..' || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside);
    return isOutside ? full : inside.split(path.sep).join('/');
  };
}

function topOfRepository(): string {
  const here = process.cwd();
  const { GITHUB_WORKSPACE: workspace = '' } = process.env;
  if (workspace !== '') return path.resolve(workspace);
  for (let folder = here; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, '.git'))) return folder;
    if (folder === path.dirname(folder)) return here;
  }
}
