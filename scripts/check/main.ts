/**
 * Runs every check of the repository, some side by side, reports all that fail, and exits 1 when any does.
 *
 *     npm run check                  all of them
 *     npm run check -- lint format   these alone
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
process.chdir(root);

interface Check {
  readonly name: string;
  readonly says: string;
  /** A program of `node_modules/.bin`, and its arguments. */
  readonly run: readonly [program: string, ...args: string[]];
}

const eslint = ['--config', 'scripts/check/eslint.config.js', '--max-warnings', '0'];

/** The last two look at what it makes. */
const build: Check = { name: 'build', says: 'src compiles into dist', run: ['tsc', '-p', 'src'] };

/** The longest first, so that none is left over when the others have ended. */
const checks: readonly Check[] = [
  { name: 'lint', says: 'eslint agrees', run: ['eslint', ...eslint, 'src', 'test', 'scripts', 'examples'] },
  { name: 'types', says: 'the compiler agrees', run: ['tsc', '-p', 'tsconfig.json'] },
  {
    name: 'page',
    says: "the compiler agrees with the explorer's page",
    run: ['tsc', '-p', 'src/architect/explore/page'],
  },
  {
    name: 'format',
    says: 'prettier would change nothing',
    run: ['prettier', '--check', '--log-level', 'warn', '.'],
  },
  {
    name: 'modules',
    says: 'imports follow scripts/check/modules-table.ts',
    run: ['tsx', 'scripts/check/modules.ts'],
  },
  {
    name: 'docs',
    says: 'code, commands, output and links of the documents hold',
    run: ['tsx', 'scripts/check/docs.ts'],
  },
  {
    name: 'api',
    says: 'the public API is as its reports say, and each docstring has an example that compiles',
    run: ['tsx', 'scripts/check/api.ts'],
  },
  {
    name: 'words',
    says: 'no retired word is back: scripts/check/words/retired-words.ts',
    run: ['tsx', 'scripts/check/words.ts'],
  },
  {
    name: 'citations',
    says: 'threats and graph rules that are cited are in docs/reference, and each threat has a test',
    run: ['tsx', 'scripts/check/citations.ts'],
  },
  { name: 'bundle', says: "the middleware's bundle stays small", run: ['tsx', 'scripts/check/bundle.ts'] },
];

/** Shows what the program printed only when it has ended: another one may run beside it. */
async function passes({ name, says, run: [program, ...args] }: Check): Promise<boolean> {
  const child = spawn(path.join('node_modules/.bin', program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [status] = (await once(child, 'close')) as [number | null];
  console.log(`\n== ${name}: ${says}`);
  if (printed !== '') console.log(printed.trimEnd());
  return status === 0;
}

/** As many at a time as there are processors. */
async function failing(checks: readonly Check[]): Promise<string[]> {
  const waiting = [...checks];
  const failed: string[] = [];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check; check = waiting.shift())
      if (!(await passes(check))) failed.push(check.name);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return failed;
}

const wanted = process.argv.slice(2);
const names = [build, ...checks].map(({ name }) => name);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no check is named ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(1);
}

const isWanted = ({ name }: Check): boolean => wanted.length === 0 || wanted.includes(name);
const failed = [...(await failing([build].filter(isWanted))), ...(await failing(checks.filter(isWanted)))];
console.log(failed.length === 0 ? '\nAll checks pass.' : `\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
