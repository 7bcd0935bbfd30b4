/**
 * What a service ships when it imports `waybill/middleware`: bundles it and fails when anything is in it that a
 * service has no use for, or when it is too large. Prints the size, minified and gzipped.
 *
 * Run: npx tsx scripts/check/bundle.ts
 */

import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';
import type { Metafile } from 'esbuild';

/** Bytes, minified. Of these lru-cache takes 18 KiB and jose 30 KiB, 12 of them to open sealed tokens; to say
 * which login a call waits for takes 2. */
const MOST_BYTES = 164 * 1024;

const ENTRY = 'src/middleware/index.ts';
const PACKAGES = ['jose', 'lru-cache'];
const MODULES = [
  'src/discovery/',
  'src/identity/',
  'src/middleware/',
  'src/token/',
  'src/errors.ts',
  'src/input/json-input.ts',
  'src/input/key-weakness.ts',
  'src/clock.ts',
  'src/input/attempt.ts',
  'src/get-or-add.ts',
  'src/input/copy-text.ts',
  'src/input/url.ts',
  'src/input/header-lines.ts',
  'src/protocol.ts',
];

const { metafile, outputFiles } = await build({
  entryPoints: [ENTRY],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minify: true,
  write: false,
  metafile: true,
  logLevel: 'error',
});

const strangers = [
  ...Object.keys(metafile.inputs).filter((path) => !isExpected(path)),
  ...externalPackages(metafile),
];
for (const path of strangers) console.error(`error: the middleware's bundle contains ${path}`);
if (strangers.length > 0) process.exitCode = 1;

const code = outputFiles[0]?.contents ?? new Uint8Array();
if (code.byteLength > MOST_BYTES) {
  console.error(`error: the middleware's bundle has over ${kilobytes(MOST_BYTES)}`);
  process.exitCode = 1;
}
console.log(
  `middleware: ${kilobytes(code.byteLength)} minified, ${kilobytes(gzipSync(code).byteLength)} gzipped`,
);
for (const [owner, bytes] of bytesByOwner(metafile)) console.log(`  ${owner}: ${kilobytes(bytes)}`);

function isExpected(path: string): boolean {
  const owner = packageOf(path);
  return owner === undefined ? MODULES.some((module) => path.startsWith(module)) : PACKAGES.includes(owner);
}

/** The package that a bundled file belongs to, the innermost one where packages are nested. */
function packageOf(path: string): string | undefined {
  const inside = path.split('node_modules/').slice(1).at(-1);
  return inside === undefined ? undefined : /^(@[^/]+\/)?[^/]+/.exec(inside)?.[0];
}

/** Imports that are left in the bundle; Node's own modules are the only ones that may be. */
function externalPackages({ outputs }: Metafile): string[] {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  return imports.filter(({ path }) => !path.startsWith('node:')).map(({ path }) => `an import of ${path}`);
}

function bytesByOwner({ outputs }: Metafile): [string, number][] {
  const sums = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const owner = packageOf(path) ?? path.split('/').slice(0, 2).join('/');
      sums.set(owner, (sums.get(owner) ?? 0) + bytesInOutput);
    }
  }
  return [...sums].sort(([, left], [, right]) => right - left);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
