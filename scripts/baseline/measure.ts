/** Measures a checkout, each path in processes of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeInputs, type Inputs } from './inputs.ts';
import type { Allocations, Baseline, Counted, Figures } from './kept.ts';

/**
 * V8 without threads of its own and without chance: it compiles the same functions at the same calls each time. It keeps
 * what it compiled, and collects nothing before half a gigabyte is allocated, or two have become old.
 */
const FLAGS = [
  '--predictable',
  '--single-threaded',
  '--hash-seed=1',
  '--random-seed=1',
  '--no-flush-bytecode',
  '--expose-gc',
  '--min-semi-space-size=512',
  '--max-semi-space-size=512',
  '--initial-old-space-size=2048',
];

export interface MeasureOptions {
  /** Of paths. */
  readonly names: readonly string[];
  readonly tell: (text: string) => void;
}

/** @param checkout a folder with `dist`. */
export function measure(checkout: string, { names, tell }: MeasureOptions): Baseline {
  const folder = realpathSync(checkout);
  const scratch = mkdtempSync(path.join(tmpdir(), 'waybill-baseline-'));
  try {
    const inputs = writeInputs(scratch);
    tell('issuing tokens');
    run('tokens', [folder, JSON.stringify(inputs)]);
    const paths = names.map((name): [string, Figures] => {
      tell(name);
      return [name, figures(folder, inputs, name)];
    });
    return {
      commit: commitOf(folder),
      node: process.versions.node,
      flags: FLAGS,
      paths: Object.fromEntries(paths),
    };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function figures(folder: string, inputs: Inputs, name: string): Figures {
  const args = [folder, JSON.stringify(inputs), name];
  const { sizes, calls } = JSON.parse(run('calls', args)) as Counted;
  const allocations = JSON.parse(run('allocations', args, FLAGS)) as Allocations;
  return { sizes, allocations, calls };
}

/** @returns what the program printed. @throws TypeError where it failed; it has said why. */
function run(program: string, args: readonly string[], flags: readonly string[] = []): string {
  const script = path.join(import.meta.dirname, 'programs', `${program}.ts`);
  const { status, stdout } = spawnSync(process.execPath, [...flags, '--import=tsx', script, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new TypeError(`${program} of ${args.at(-1) ?? ''} ended with ${status}`);
  return stdout;
}

function commitOf(folder: string): string {
  const args = ['-C', folder, 'describe', '--always', '--abbrev=40', '--exclude=*', '--dirty'];
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
