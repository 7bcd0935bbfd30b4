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

/** Entrances for frameworks, each a small file of its own: they get the extractor as an argument, and import none. */
const ADAPTERS = ['fastify', 'koa', 'nest', 'hono', 'fetch', 'grpc', 'kafka'];

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly homepage: string;
  readonly repository: object;
  readonly engines: object;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: object;
}

/** @param output a folder that is made anew. `dist` must hold the compiled sources. */
export async function buildMiddleware(output: string): Promise<void> {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const inputs = [
    await bundle('esm', 'index', path.join(output, 'index.js'), [DEPENDENCY]),
    await bundle('cjs', 'index', path.join(output, 'index.cjs'), []),
  ].flatMap((metafile) => Object.keys(metafile.inputs));
  const types = rollUpTypes(
    ROOT,
    path.join(ROOT, 'dist/middleware/index.d.ts'),
    path.join(output, 'index.d.ts'),
  );
  // The examples in the docstrings.
  const text = types.replaceAll("'waybill/middleware'", `'${NAME}'`);
  for (const name of ['index.d.ts', 'index.d.cts']) writeFileSync(path.join(output, name), text);
  for (const adapter of ADAPTERS) await buildAdapter(adapter, output);
  const own = readFileSync(path.join(ROOT, 'LICENSE'), 'utf8');
  const bundled = licencesOf(ROOT, inputs);
  writeFileSync(
    path.join(output, 'LICENSE'),
    `${own}\nThis package contains parts of the following packages.\n\n${bundled}`,
  );
  copyFileSync(path.join(import.meta.dirname, 'middleware/README.md'), path.join(output, 'README.md'));
  writeFileSync(path.join(output, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

/** Its types name those of the package's own entrance. */
async function buildAdapter(adapter: string, output: string): Promise<void> {
  const entry = `adapters/${adapter}`;
  const frameworks = Object.keys(rootManifest().peerDependencies);
  await bundle('esm', entry, path.join(output, `${adapter}.js`), frameworks);
  await bundle('cjs', entry, path.join(output, `${adapter}.cjs`), frameworks);
  const types = readFileSync(path.join(ROOT, `dist/middleware/${entry}.d.ts`), 'utf8').replaceAll(
    "'waybill/middleware",
    `'${NAME}`,
  );
  for (const [ending, index] of [
    ['d.ts', './index.js'],
    ['d.cts', './index.cjs'],
  ])
    writeFileSync(path.join(output, `${adapter}.${ending}`), types.replaceAll("'../index.ts'", `'${index}'`));
}

function rootManifest(): Manifest {
  return JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
}

async function bundle(format: Format, entry: string, outfile: string, external: string[]): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`src/middleware/${entry}.ts`],
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
  const { version, license, homepage, repository, engines, dependencies, ...root } = rootManifest();
  const entrance = (file: string): object => ({
    import: { types: `./${file}.d.ts`, default: `./${file}.js` },
    require: { types: `./${file}.d.cts`, default: `./${file}.cjs` },
  });
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
    typesVersions: {
      '*': Object.fromEntries(ADAPTERS.map((adapter) => [adapter, [`./${adapter}.d.cts`]])),
    },
    exports: {
      '.': entrance('index'),
      ...Object.fromEntries(ADAPTERS.map((adapter) => [`./${adapter}`, entrance(adapter)])),
      './package.json': './package.json',
    },
    files: ['index', ...ADAPTERS].map((file) => `${file}.*`),
    dependencies: { [DEPENDENCY]: dependencies[DEPENDENCY] },
    peerDependencies: root.peerDependencies,
    peerDependenciesMeta: root.peerDependenciesMeta,
    publishConfig: { access: 'public' },
  };
}
