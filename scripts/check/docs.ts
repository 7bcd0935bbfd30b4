/**
 * Checks what the documents promise: links, TypeScript blocks, programs, graphs, commands and printed output.
 * With `--write`, rewrites the blocks of printed output, and pictures, instead.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtCli } from './docs/cli.ts';
import { unknownCommands } from './docs/commands.ts';
import { readDocument, type Document, type Problem } from './docs/document.ts';
import { graphsIn, invalidGraphs } from './docs/graphs.ts';
import { brokenLinks } from './docs/links.ts';
import { outputsIn, picturesIn, staleOutputs, stalePictures, withFreshOutputs } from './docs/outputs.ts';
import { missingPaths } from './docs/paths.ts';
import { failingPrograms, programsIn } from './docs/programs.ts';
import { typeErrors } from './docs/typescript.ts';

/** Folders whose own Markdown files are documents, and folders that hold documents at any depth; reports of the API are none. */
const folders = ['.', 'graphs', 'schemas'];
const trees = ['docs', '.github', 'examples'];

function readDocuments(root: string): Document[] {
  const files = [
    ...folders.flatMap((folder) => markdownIn(root, folder, false)),
    ...trees.flatMap((folder) => markdownIn(root, folder, true)),
  ];
  return files.map((file) => readDocument(root, file));
}

function markdownIn(root: string, folder: string, recursive: boolean): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { encoding: 'utf8', recursive })
    .map((name) => path.posix.join(folder, ...name.split(path.sep)))
    .filter((name) => name.endsWith('.md') && !name.endsWith('.api.md') && !name.includes('node_modules/'))
    .sort();
}

export interface Findings {
  readonly problems: readonly Problem[];
  /** What could not be looked at, and why. */
  readonly skipped: readonly string[];
}

export function checkDocuments(root: string): Findings {
  const documents = readDocuments(root);
  const cli = builtCli(root);
  const problems = documents.flatMap((document) => [
    ...brokenLinks(root, document),
    // The changelog names files of its time.
    ...(document.file === 'CHANGELOG.md' ? [] : missingPaths(root, document)),
    ...unknownCommands(root, document, cli),
    ...(cli === undefined
      ? []
      : [
          ...failingPrograms(root, document),
          ...invalidGraphs(document, cli),
          ...staleOutputs(document, cli),
          ...stalePictures(root, document, cli),
        ]),
  ]);
  const unseen =
    cli === undefined
      ? documents.flatMap((one) => [...graphsIn(one), ...programsIn(one), ...outputsIn(one), ...one.pictures])
          .length
      : 0;
  return {
    problems: [...problems, ...typeErrors(root, documents)],
    skipped:
      cli === undefined
        ? [`subcommands, ${unseen} graphs, programs and outputs: the program is not built`]
        : [],
  };
}

/** @returns the documents and pictures that it rewrote. */
export function rewriteOutputs(root: string): string[] {
  const cli = builtCli(root);
  if (cli === undefined) throw new Error('the program is not built');
  return readDocuments(root).flatMap((document) => {
    const pictures = picturesIn(root, document, cli).filter(({ isFresh }) => !isFresh);
    for (const { path: target, drawn } of pictures) {
      if (drawn === '') throw new Error(`the command of ${target} draws nothing`);
      writeFileSync(path.join(root, target), drawn);
    }
    const redrawn = pictures.map(({ path: target }) => target);
    const fresh = withFreshOutputs(document, cli);
    if (fresh === document.source) return redrawn;
    writeFileSync(path.join(root, document.file), fresh);
    return [document.file, ...redrawn];
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = path.resolve(import.meta.dirname, '../..');
  if (process.argv.includes('--write')) {
    for (const file of rewriteOutputs(root)) console.log(`rewrote ${file}`);
  } else {
    const { problems, skipped } = checkDocuments(root);
    for (const what of skipped) console.log(`skipped: ${what}`);
    for (const { file, line, text } of problems) console.error(`${file}:${line}: ${text}`);
    if (problems.length > 0) process.exitCode = 1;
  }
}
