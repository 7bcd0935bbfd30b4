/** The built program, as the documents talk about it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const entry = 'dist/cli/main.js';

export interface Cli {
  /** Runs a shell command in which `waybill` is the built program. */
  run(command: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
  /** What `waybill ...subcommand --help` prints. */
  help(subcommand: readonly string[]): string;
}

/** @returns `undefined` while the program has not been built. */
export function builtCli(root: string): Cli | undefined {
  if (!existsSync(path.join(root, entry))) return undefined;
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', COLUMNS: '100' };
  const helps = new Map<string, string>();
  const shell = (command: string) => {
    const script = `waybill() { node ${entry} "$@"; }\nnpx() { "$@"; }\n${command}`;
    const options = { cwd: root, env, encoding: 'utf8', timeout: 120_000 } as const;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], options);
    return { status, stdout, stderr };
  };
  return {
    run: shell,
    help(subcommand) {
      const command = ['waybill', ...subcommand, '--help'].join(' ');
      const known = helps.get(command) ?? shell(command).stdout;
      helps.set(command, known);
      return known;
    },
  };
}
