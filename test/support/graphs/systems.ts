/** The systems under `graphs/systems`, as files that a test can change. */
import { copyFileSync, cpSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import type { JWK } from 'jose';

import { judgeOverlays } from '../../../src/architect/diff/index.ts';
import { compileGraph, type Compiled } from '../../../src/planning/compile.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { bundleOf } from '../issuer/tls.ts';
import type { TestCa } from '../keys/certificates.ts';
import { scratchFolder, withFolder, type Files } from '../files.ts';

const GRAPHS = path.resolve(import.meta.dirname, '../../../graphs');

/** Seconds since the epoch: some calls of these graphs end, and that day is before all of them. */
export const DAY = Date.UTC(2026, 11, 1) / 1_000;

/** A copy, so that what one system stands on can be beside it without its own tests. */
export function copyOfSystem(system: string): string {
  const folder = path.join(scratchFolder(), system);
  cpSync(path.join(GRAPHS, 'systems', system), folder, { recursive: true });
  if (system === 'boutique-context')
    copyFileSync(path.join(GRAPHS, 'online-boutique.yaml'), path.join(folder, 'online-boutique.yaml'));
  return folder;
}

/** All its files, by path inside the system. */
export function filesOfSystem(system: string): Files {
  const folder = path.join(GRAPHS, 'systems', system);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.yaml'));
  return Object.fromEntries(files.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

/** A piece of a file, and what stands there instead. */
export type Edit = readonly [file: string, from: string, to: string];

/** @throws Error where the piece does not stand there, once. */
export function edited(files: Files, edits: readonly Edit[]): Files {
  const changed = { ...files };
  for (const [file, from, to] of edits) {
    const parts = String(changed[file]).split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
    changed[file] = parts.join(to);
  }
  return changed;
}

export interface SystemOptions {
  readonly variables?: Readonly<Record<string, string>>;
  /** Files of the system, in this order. */
  readonly overlays?: readonly string[];
  /** Seconds since the epoch. Default: `DAY`. */
  readonly now?: number;
}

/** Compiles its files as a command with these arguments does. `use` runs while the files are there. */
export function compileSystem<Result>(
  files: Files,
  { variables = {}, overlays = [], now = DAY }: SystemOptions,
  use: (compiled: Compiled, paths: readonly string[]) => Result,
): Result {
  return withFolder(files, (folder) => {
    const paths = [folder, ...overlays.map((file) => path.join(folder, file))];
    const values = new Map(Object.entries(variables));
    return use(compileGraph(paths, { variables: values, clock: () => now, judgeOverlays }), paths);
  });
}

/**
 * What the files that its graph names hold, by party: for each the keys of one pair, or the authority of its certificates.
 *
 * @param jwk the public key of every client and service that signs assertions.
 */
export function keyFilesOf(plan: Plan, ca: TestCa, jwk: JWK): Map<string, unknown> {
  const parties = [...plan.clients.values(), ...plan.services.values()];
  return new Map(
    parties.flatMap(({ name, auth }) => {
      if (auth?.method === 'private_key_jwt') return [[name, { keys: [jwk] }] as const];
      return auth?.method === 'spiffe_x509' ? [[name, bundleOf(ca)] as const] : [];
    }),
  );
}
