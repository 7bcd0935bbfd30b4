/** A baseline as it is kept: JSON, without a time or anything else of the machine that measured it. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Sizes } from './operation.ts';

/** Of the last commit before the work that is compared with it. */
export const KEPT = path.join(import.meta.dirname, 'baseline.json');

export interface Baseline {
  /** The measured commit; `-dirty` if its files were changed, `unknown` outside of git. */
  readonly commit: string;
  /** Its version. */
  readonly node: string;
  /** Node's options while allocations were measured. */
  readonly flags: readonly string[];
  readonly paths: Readonly<Record<string, Figures>>;
}

/** Of one call. */
export interface Figures extends Counted {
  readonly allocations: Allocations;
}

export interface Counted {
  readonly sizes: Sizes;
  readonly calls: Calls;
}

/** Bytes. */
export interface Allocations {
  /** In V8's heap. */
  readonly heap: number;
  /** Outside of it: what buffers hold. */
  readonly external: number;
}

/** Calls of functions, of those that are written in JavaScript. */
export interface Calls {
  /** Of the checkout's `dist`. */
  readonly waybill: number;
  /** Of packages. */
  readonly dependencies: number;
  /** Of Node. */
  readonly node: number;
  /** Of `sign` and `verify` of Node's crypto, which are among Node's. */
  readonly signatures: number;
  readonly verifications: number;
}

/** Where every figure is, by its group. */
const FIGURES: { readonly [Group in keyof Figures]: readonly (keyof Figures[Group])[] } = {
  sizes: ['reads', 'makes'],
  allocations: ['heap', 'external'],
  calls: ['waybill', 'dependencies', 'node', 'signatures', 'verifications'],
};

/** @throws TypeError where the file cannot be read, or holds something else. */
export function readBaseline(file: string): Baseline {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new TypeError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (!isBaseline(value)) throw new TypeError(`${file} holds no figures of npm run baseline`);
  return value;
}

/** As prettier would have it, since the file belongs to the repository. */
export async function writeBaseline(file: string, baseline: Baseline): Promise<void> {
  const style = await resolveConfig(file);
  writeFileSync(file, await format(JSON.stringify(baseline), { ...style, filepath: file }));
}

function isBaseline(value: unknown): value is Baseline {
  if (!isObject(value) || !isObject(value['paths']) || !Array.isArray(value['flags'])) return false;
  return (
    typeof value['commit'] === 'string' &&
    typeof value['node'] === 'string' &&
    Object.values(value['paths']).every(hasFigures)
  );
}

function hasFigures(path: unknown): boolean {
  return Object.entries(FIGURES).every(([group, names]) => {
    const figures = isObject(path) ? path[group] : undefined;
    return isObject(figures) && names.every((name) => Number.isFinite(figures[name]));
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
