/** Every npm script, subcommand and option that a shell block names exists. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Cli } from './cli.ts';
import type { Block, Document, Problem } from './document.ts';

const shells = new Set(['sh', 'bash', 'shell', 'console']);
const npmScripts = new Set(['test', 'start', 'stop', 'restart']);
const npmCommands = new Set(['ci', 'install', 'exec', 'pack', 'audit']);

export function unknownCommands(root: string, document: Document, cli: Cli | undefined): Problem[] {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts?: Record<string, string>;
  };
  const scripts = new Set(Object.keys(manifest.scripts ?? {}));
  return document.blocks
    .filter(({ language }) => shells.has(language))
    .flatMap((block) => commandsOf(block))
    .flatMap(({ words, line }) => {
      const fault = npmFault(words, scripts) ?? (cli === undefined ? undefined : waybillFault(words, cli));
      return fault === undefined ? [] : [{ file: document.file, line, text: `${words.join(' ')}: ${fault}` }];
    });
}

/** Simple commands, as lists of words; comments, prompts, assignments and `npx` are taken off. */
function commandsOf({ language, text, line }: Block): { words: string[]; line: number }[] {
  const joined = text.replaceAll(/\\\n/g, '\u0000');
  let at = line;
  return joined.split('\n').flatMap((raw) => {
    const here = at;
    at += raw.split('\u0000').length;
    if (language === 'console' && !raw.startsWith('$ ')) return [];
    const bare = raw
      .replace(/^\$ /, '')
      .replaceAll('\u0000', ' ')
      .replace(/(^|\s)#.*/, '');
    return bare.split(/&&|\|\||[;|&`()]/).map((part) => ({ words: wordsOf(part), line: here }));
  });
}

function wordsOf(part: string): string[] {
  const words = part.split(/\s+/).filter((word) => word !== '');
  while (/^(\w+=.*|npx|\$|--yes)$/.test(words[0] ?? '')) words.shift();
  return words;
}

function npmFault(
  [program, verb, script]: readonly string[],
  scripts: ReadonlySet<string>,
): string | undefined {
  if (program !== 'npm' || verb === undefined) return undefined;
  const name = verb === 'run' ? script : npmScripts.has(verb) ? verb : undefined;
  if (name !== undefined) return scripts.has(name) ? undefined : `package.json has no script "${name}"`;
  return npmCommands.has(verb) ? undefined : `npm ${verb} is not known to this check`;
}

function waybillFault([program, ...words]: readonly string[], cli: Cli): string | undefined {
  if (program !== 'waybill') return undefined;
  const subcommand: string[] = [];
  for (const word of words) {
    const listed = subcommandsIn(cli.help(subcommand));
    if (listed.length === 0 || word.startsWith('-')) break;
    if (!listed.includes(word)) return `waybill ${[...subcommand, '--help'].join(' ')} lists no "${word}"`;
    subcommand.push(word);
  }
  const help = cli.help([]) + cli.help(subcommand);
  const option = words
    .filter((word) => /^--\w/.test(word))
    .map((word) => word.split('=', 1)[0] ?? '')
    .find((word) => !help.split(/[\s,[\]=]+/).includes(word));
  return option === undefined ? undefined : `waybill ${subcommand.join(' ')} has no ${option}`;
}

function subcommandsIn(help: string): string[] {
  const [, section = ''] = help.split(/^Commands:\n/m);
  const [lines = ''] = section.split(/\n\s*\n/);
  return [...lines.matchAll(/^ {2}([a-z][\w-]*)/gm)].map((match) => match[1] ?? '');
}
