/**
 * Runs every check of the repository, reports all that fail, and exits 1 when any does.
 *
 *     npm run check                  all of them
 *     npm run check -- lint format   these alone
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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

const checks: readonly Check[] = [
  { name: 'types', says: 'the compiler agrees', run: ['tsc', '-p', 'tsconfig.json'] },
  {
    name: 'page',
    says: "the compiler agrees with the explorer's page",
    run: ['tsc', '-p', 'src/explorer/page'],
  },
  { name: 'lint', says: 'eslint agrees', run: ['eslint', ...eslint, 'src', 'test', 'scripts'] },
  {
    name: 'format',
    says: 'prettier would change nothing',
    run: ['prettier', '--check', '--log-level', 'warn', '.'],
  },
  {
    name: 'rooms',
    says: 'imports follow scripts/check/rooms-table.ts',
    run: ['tsx', 'scripts/check/rooms.ts'],
  },
  // The last two look at the built package.
  { name: 'build', says: 'src compiles into dist', run: ['tsc', '-p', 'src'] },
  { name: 'bundle', says: "the middleware's bundle stays small", run: ['tsx', 'scripts/check/bundle.ts'] },
  {
    name: 'docs',
    says: 'code, commands, output and links of the documents hold',
    run: ['tsx', 'scripts/check/docs.ts'],
  },
];

function passes({ run: [program, ...args] }: Check): boolean {
  const script = program === 'tsx' ? args[0] : undefined;
  if (script !== undefined && !existsSync(script)) {
    console.log(`skipped: ${script} does not exist yet`);
    return true;
  }
  const { status, error } = spawnSync(path.join('node_modules/.bin', program), args, { stdio: 'inherit' });
  if (error !== undefined) console.error(error.message);
  return status === 0;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(
    `no check is named ${unknown.join(', ')}; there are ${checks.map(({ name }) => name).join(', ')}`,
  );
  process.exit(1);
}

const failed: string[] = [];
for (const check of checks) {
  if (wanted.length > 0 && !wanted.includes(check.name)) continue;
  console.log(`\n== ${check.name}: ${check.says}`);
  if (!passes(check)) failed.push(check.name);
}

console.log(failed.length === 0 ? '\nAll checks pass.' : `\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
