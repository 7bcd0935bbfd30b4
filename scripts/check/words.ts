/**
 * Reports words that the project has replaced, in names, comments, messages and documents. In: a folder. Out: one line
 * for each use, with the word to use.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { retiredWords, type RetiredWord } from './words/retired-words.ts';

const folders = ['.github', 'docs', 'examples', 'graphs', 'schemas', 'scripts', 'src', 'test'];
const extension = /\.(?:[cm]?[jt]sx?|json|jsonl|ya?ml|md|css|html|sh|rego)$/;
/** Data that others wrote or programs write, and the places that name the words themselves. */
const skipped =
  /(?:^|\/)node_modules\/|^test\/(?:callgraphs|vectors)\/|^scripts\/(?:fuzz\/corpus|packed\/vectors)\/|^src\/token\/packed\/dictionary\.ts$|^scripts\/check\/words|^test\/scripts\/check\/words\.test\.ts$/;

function filesOf(root: string): string[] {
  const atRoot = readdirSync(root).filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md');
  const below = folders.flatMap((folder) => {
    try {
      return readdirSync(path.join(root, folder), { encoding: 'utf8', recursive: true }).map((name) =>
        path.posix.join(folder, ...name.split(path.sep)),
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
  return [...atRoot, ...below].filter((file) => extension.test(file) && !skipped.test(file)).sort();
}

/** @returns one line for each use of a retired word. */
export function retiredWordUses(root: string, words: readonly RetiredWord[] = retiredWords): string[] {
  return filesOf(root).flatMap((file) => {
    const inName = usesIn(file, words).map((use) => `${file}: ${use}`);
    const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
    const inText = lines.flatMap((line, index) =>
      usesIn(line, words).map((use) => `${file}:${index + 1}: ${use}`),
    );
    return [...inName, ...inText];
  });
}

function usesIn(text: string, words: readonly RetiredWord[]): string[] {
  return words
    .filter(({ pattern }) => pattern.test(text))
    .map(({ word, use }) => `"${word}" is retired, use ${use}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const uses = retiredWordUses(path.resolve(import.meta.dirname, '../..'));
  for (const use of uses) console.error(use);
  if (uses.length > 0) process.exitCode = 1;
}
