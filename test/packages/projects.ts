/** Empty projects into which the packed packages are installed, as a user does. */
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { buildMiddleware } from '../../scripts/packages/middleware.ts';
import { scratchFolder } from '../support/files.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');

const run = promisify(execFile);

/** @returns the path of the tarball, of what is compiled into `dist`. */
export async function packWaybill(): Promise<string> {
  return pack(ROOT, scratchFolder());
}

/** @returns the path of the tarball, built anew. */
export async function packMiddleware(): Promise<string> {
  const folder = scratchFolder();
  const built = path.join(folder, 'middleware');
  await buildMiddleware(built);
  return pack(built, folder);
}

async function pack(from: string, to: string): Promise<string> {
  const options = ['pack', '--json', '--ignore-scripts', '--pack-destination', to];
  const { stdout } = await run('npm', options, { cwd: from, maxBuffer: 2 ** 26 });
  const packed = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
  return path.join(to, packed[0]?.filename ?? '');
}

/**
 * Installs tarballs into a new project. What they depend on comes out of npm's cache, where it is there.
 *
 * @returns the folder of the project.
 */
export async function install(...tarballs: readonly string[]): Promise<string> {
  const folder = scratchFolder();
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "service", "private": true }');
  const options = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
  await run('npm', [...options, ...tarballs], { cwd: folder });
  return folder;
}

/** Puts a development tool of this repository into a project, which need not be installed again. */
export function link(folder: string, ...packages: readonly string[]): void {
  for (const name of packages) {
    const target = path.join(folder, 'node_modules', name);
    mkdirSync(path.dirname(target), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules', name), target, 'dir');
  }
}

export function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Runs a program of Node; one that fails throws, with what it printed. */
export async function node(
  folder: string,
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await run(process.execPath, [file, ...args], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  return stdout.trim();
}
