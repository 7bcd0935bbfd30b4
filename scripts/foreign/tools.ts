/**
 * Programs in other languages, with the libraries that `python/`, `go/` and `java/` pin. They are installed once, with
 * each language's own tools, into a folder outside the project; what cannot be had is reported with its reason.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A tool, or why there is none. */
export type Found<Tool> = Tool | Missing;
export interface Missing {
  readonly missing: string;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

const sources = fileURLToPath(new URL('.', import.meta.url));
/** What pins the libraries of a language: an installation belongs to its content. */
const PINS = { python: 'python/requirements.txt', go: 'go/go.sum', java: 'java/pom.xml' };

/** A Python that has the libraries. @param install whether missing ones are fetched. */
export function python(install: boolean): Found<Command> {
  const folder = folderOf('python');
  const command = path.join(folder, 'bin', 'python');
  return once(folder, 'python', install, () => {
    run('python3', ['-m', 'venv', folder]);
    run(command, ['-m', 'pip', '--quiet', 'install', '-r', path.join(sources, PINS.python)]);
    return { command, args: [] };
  });
}

/** A Java that runs a source file with the libraries at hand. */
export function java(install: boolean): Found<Command> {
  const folder = folderOf('java');
  return once(folder, 'java', install, () => {
    const pom = path.join(sources, PINS.java);
    run('java', ['-version']);
    run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]);
    return { command: 'java', args: ['-cp', path.join(folder, '*')] };
  });
}

/** The version of a library that `java/pom.xml` pins; without a library that of Java itself. */
export function jarVersion(artifact?: string): string {
  if (artifact === undefined) return /[\d.]+/.exec(firstLineOf('java', ['-version']) ?? '')?.[0] ?? '';
  const pom = readFileSync(path.join(sources, PINS.java), 'utf8');
  const [, after = ''] = pom.split(`<artifactId>${artifact}</artifactId>`);
  return /<version>([^<]*)</.exec(after)?.[1] ?? '';
}

/** The program in a folder of `go/`, built. */
export function go(program: string, install: boolean): Found<Command> {
  const folder = folderOf('go');
  return once(folder, program, install, () => {
    const command = path.join(folder, program);
    run('go', ['build', '-o', command, `./${program}`], path.join(sources, 'go'));
    return { command, args: [] };
  });
}

function folderOf(language: keyof typeof PINS): string {
  const pins = createHash('sha256').update(readFileSync(path.join(sources, PINS[language])));
  const home = process.env['WAYBILL_FOREIGN'] ?? path.join(tmpdir(), 'waybill-foreign');
  const folder = path.join(home, `${language}-${pins.digest('hex').slice(0, 12)}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Installs once: what `work` returned is stored. A program of the project itself is built whenever that is allowed. */
function once(folder: string, name: string, install: boolean, work: () => Command): Found<Command> {
  const stored = path.join(folder, `${name}.json`);
  const isProgram = name !== 'python' && name !== 'java';
  if (existsSync(stored) && !(isProgram && install))
    return JSON.parse(readFileSync(stored, 'utf8')) as Command;
  if (!install) return { missing: `${name} is not installed` };
  try {
    const command = work();
    writeFileSync(stored, JSON.stringify(command));
    return command;
  } catch (error) {
    const { stderr, message } = error as { stderr?: Buffer; message: string };
    const [why = message] = String(stderr ?? '')
      .split('\n')
      .filter((line) => line.trim() !== '');
    return { missing: `${name}: ${why}` };
  }
}

function run(command: string, args: readonly string[], cwd?: string): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd });
}

export function isMissing(found: object): found is Missing {
  return Object.hasOwn(found, 'missing');
}

/** The first line that a program prints, on either stream; undefined where it cannot be started. */
export function firstLineOf(command: string, args: readonly string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  const [line] = `${stdout}${stderr}`.split('\n').filter((text) => text.trim() !== '');
  return status === 0 ? line?.trim() : undefined;
}
