/** The licences of the packages that a bundle contains, as most of them ask for. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** @param files paths in the bundle, relative to the repository. */
export function licencesOf(root: string, files: Iterable<string>): string {
  const folders = [...new Set([...files].flatMap((file) => packageFolder(file) ?? []))].sort();
  return folders.map((folder) => licenceIn(path.join(root, folder))).join('\n');
}

function packageFolder(file: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}

function licenceIn(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence file, so it cannot be bundled`);
  return `${name} ${version}\n\n${readFileSync(path.join(folder, file), 'utf8').trim()}\n`;
}
