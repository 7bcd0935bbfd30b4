/**
 * Builds `@waybill/middleware`: what a service installs. It is the code of `waybill/middleware` in one file for ES modules
 * and one for CommonJS, with the types rolled up.
 *
 * jose stays a dependency of the ES module, so that its fixes reach a service without a release of ours. It has no
 * CommonJS, so that build brings it along.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { build, type Format, type Metafile } from 'esbuild';

import { licencesOf } from './licences.ts';
import { rollUpTypes } from './roll-up-types.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const NAME = '@waybill/middleware';
const DEPENDENCY = 'jose';

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly homepage: string;
  readonly repository: object;
  readonly engines: object;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** @param output a folder that is made anew. `dist` must hold the compiled sources. */
export async function buildMiddleware(output: string): Promise<void> {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const inputs = [
    await bundle('esm', path.join(output, 'index.js'), [DEPENDENCY]),
    await bundle('cjs', path.join(output, 'index.cjs'), []),
  ].flatMap((metafile) => Object.keys(metafile.inputs));
  const types = rollUpTypes(
    ROOT,
    path.join(ROOT, 'dist/middleware/index.d.ts'),
    path.join(output, 'index.d.ts'),
  );
  // The examples in the docstrings.
  const text = types.replaceAll("'waybill/middleware'", `'${NAME}'`);
  for (const name of ['index.d.ts', 'index.d.cts']) writeFileSync(path.join(output, name), text);
  const own = readFileSync(path.join(ROOT, 'LICENSE'), 'utf8');
  const bundled = licencesOf(ROOT, inputs);
  writeFileSync(
    path.join(output, 'LICENSE'),
    `${own}\nThis package contains parts of the following packages.\n\n${bundled}`,
  );
  copyFileSync(path.join(import.meta.dirname, 'middleware/README.md'), path.join(output, 'README.md'));
  writeFileSync(path.join(output, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

async function bundle(format: Format, outfile: string, external: string[]): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/middleware/index.ts'],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format,
    outfile,
    external,
    metafile: true,
    legalComments: 'none',
    logLevel: 'error',
  });
  return metafile;
}

function manifest(): object {
  const root = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const { version, license, homepage, repository, engines, dependencies } = root;
  return {
    name: NAME,
    version,
    description:
      'For services that receive Waybill tokens: verifies them and unwraps the token of the next call.',
    keywords: ['oauth', 'jwt', 'middleware', 'express', 'gateway', 'dpop'],
    license,
    homepage,
    repository,
    engines,
    type: 'module',
    sideEffects: false,
    // For `moduleResolution: node10` and tools that read no `exports`.
    main: './index.cjs',
    module: './index.js',
    types: './index.d.cts',
    exports: {
      '.': {
        import: { types: './index.d.ts', default: './index.js' },
        require: { types: './index.d.cts', default: './index.cjs' },
      },
      './package.json': './package.json',
    },
    files: ['index.*'],
    dependencies: { [DEPENDENCY]: dependencies[DEPENDENCY] },
    publishConfig: { access: 'public' },
  };
}
