/** V8's counts of calls, grouped by the owner of the function. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Profiler } from 'node:inspector';
import type { Calls } from './kept.ts';

type Owner = 'waybill' | 'dependencies' | 'node';

/** Node's own functions behind `sign` and `verify` of node:crypto. */
const SIGNING = 'node:internal/crypto/sig';
const WEB_CRYPTO = 'node:internal/crypto/webcrypto';

/** @param folder of the checkout, without symbolic links. */
export function callsIn(scripts: readonly Profiler.ScriptCoverage[], folder: string): Calls {
  const dist = pathToFileURL(path.join(folder, 'dist/')).href;
  const calls = { waybill: 0, dependencies: 0, node: 0 };
  for (const script of scripts) {
    const owner = ownerOf(script.url, dist);
    if (owner) calls[owner] += callsOf(script);
  }
  const cryptography = (...names: readonly string[]): number =>
    scripts
      .filter(({ url }) => url === SIGNING || url === WEB_CRYPTO)
      .reduce((sum, script) => sum + callsOf(script, names), 0);
  return {
    ...calls,
    signatures: cryptography('signOneShot', 'sign'),
    verifications: cryptography('verifyOneShot', 'verify'),
  };
}

/** @returns undefined for the measuring code itself. */
function ownerOf(url: string, dist: string): Owner | undefined {
  if (url.startsWith(dist)) return 'waybill';
  // ajv makes functions out of text, which have no file.
  if (url === '' || url.includes('/node_modules/')) return 'dependencies';
  if (url.startsWith('node:') && url !== 'node:inspector') return 'node';
  return undefined;
}

function callsOf({ functions }: Profiler.ScriptCoverage, names?: readonly string[]): number {
  return functions
    .filter(({ functionName }) => names === undefined || names.includes(functionName))
    .reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
}
