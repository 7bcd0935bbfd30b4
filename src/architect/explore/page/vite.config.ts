/**
 * Bundles the page into one script and one style sheet, so that it works from any folder and without a network. Code of
 * other modules is used as it is; `platform/` replaces the parts that need Node.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const root = path.resolve(here, '../../../..');

/** Fails the build if the bundled code still imports a module of Node. */
const noNode: Plugin = {
  name: 'no-node',
  generateBundle(_options, bundle) {
    for (const [name, output] of Object.entries(bundle)) {
      if (output.type === 'chunk' && output.imports.length > 0)
        this.error(`the page needs ${output.imports.join(', ')}, which no browser has`);
      // Assets of code that is not in the page.
      if (output.type === 'asset' && !/\.(css|html|md)$/.test(name)) delete bundle[name];
    }
  },
};

/**
 * Modules that need Node, and their replacements in the page. Both sides of each pair implement one type in
 * `token/platform.ts`, so the compiler checks that they match.
 */
const REPLACEMENTS: ReadonlyMap<string, string> = new Map([
  [path.join(root, 'src/token/packed/zlib.ts'), path.join(here, 'platform/compression.ts')],
  [path.join(root, 'src/token/signature.ts'), path.join(here, 'platform/signature.ts')],
  ['node:buffer', path.join(here, 'platform/node-buffer.ts')],
]);

/** Replaces modules by their file, not by the specifier of the import. */
const platform: Plugin = {
  name: 'platform',
  enforce: 'pre',
  async resolveId(source, importer, options) {
    const own = REPLACEMENTS.get(source);
    if (own !== undefined) return own;
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    return found && (REPLACEMENTS.get(found.id) ?? found);
  },
  buildEnd() {
    const used = new Set(this.getModuleIds());
    for (const [module, own] of REPLACEMENTS)
      if (!used.has(own)) this.error(`the page never imports ${module}, which ${own} replaces`);
  },
};

/** Copies markup and style sheet next to the script. */
const asWritten: Plugin = {
  name: 'as-written',
  generateBundle() {
    for (const fileName of ['index.html', 'page.css'])
      this.emitFile({ type: 'asset', fileName, source: readFileSync(path.join(here, fileName)) });
  },
};

export default defineConfig({
  root: here,
  base: './',
  plugins: [platform, noNode, asWritten],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: path.join(root, 'dist/architect/explore/page'),
    emptyOutDir: true,
    target: 'es2022',
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      external: [/^node:(?!buffer$)/],
      input: path.join(here, 'main.tsx'),
      treeshake: { moduleSideEffects: (id) => /\/page\/(main|platform)/.test(id) },
      output: { format: 'iife', entryFileNames: 'page.js' },
    },
  },
});
