/** The ten paths that are measured. */
import { verify } from './extractor-paths.ts';
import { check } from './graph-path.ts';
import { exchange, introspect, issue } from './issuer-paths.ts';
import type { HotPath } from './operation.ts';

const ISSUER = { warmUp: 5_000, calls: 1_000 };
const EXTRACTOR = { warmUp: 10_000, calls: 1_000 };

export const HOT_PATHS: readonly HotPath[] = [
  { name: 'issue', ...ISSUER, open: issue },
  { name: 'exchange', ...ISSUER, open: exchange },
  { name: 'introspect', ...ISSUER, open: introspect },
  { name: 'verify-leaf-cold', ...EXTRACTOR, open: verify('leaf', 'cold') },
  { name: 'verify-leaf-cached', ...EXTRACTOR, open: verify('leaf', 'cached') },
  { name: 'verify-nested-cold', ...EXTRACTOR, open: verify('nested', 'cold') },
  { name: 'verify-nested-cached', ...EXTRACTOR, open: verify('nested', 'cached') },
  { name: 'verify-packed-cold', ...EXTRACTOR, open: verify('packed', 'cold') },
  { name: 'verify-packed-cached', ...EXTRACTOR, open: verify('packed', 'cached') },
  { name: 'check', warmUp: 8, calls: 1, open: check },
];

export const NAMES = HOT_PATHS.map(({ name }) => name);

/** @throws TypeError for an unknown name. */
export function hotPath(name: string): HotPath {
  const found = HOT_PATHS.find((one) => one.name === name);
  if (found) return found;
  throw new TypeError(`no path is named ${name}; there are ${NAMES.join(', ')}`);
}
