/**
 * Bundles the page: one script and one style sheet, with all that it needs inside, so that it works from any folder and
 * without a network. Code of other modules is used as it is; `platform/` replaces the few Node APIs that it needs.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const root = path.resolve(here, '../../../..');

/** What is left out by name must be left out in fact: the build fails where code that is used needs a module of Node's. */
const noNode: Plugin = {
  name: 'no-node',
  generateBundle(_options, bundle) {
    for (const [name, output] of Object.entries(bundle)) {
      if (output.type === 'chunk' && output.imports.length > 0)
        this.error(`the page needs ${output.imports.join(', ')}, which no browser has`);
      // Files that code names which is not in the page.
      if (output.type === 'asset' && !/\.(css|html|md)$/.test(name)) delete bundle[name];
    }
  },
};

/**
 * Modules that need Node, and their replacements in the page. Both modules of a pair implement one type of
 * `token/platform.ts`, which the compiler checks.
 */
const REPLACEMENTS: ReadonlyMap<string, string> = new Map([
  [path.join(root, 'src/token/packed/zlib.ts'), path.join(here, 'platform/compression.ts')],
  [path.join(root, 'src/token/signature.ts'), path.join(here, 'platform/signature.ts')],
  ['node:buffer', path.join(here, 'platform/node-buffer.ts')],
]);

/** Replaces whole modules by their resolved path, not by the text of the import. */
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
      if (!used.has(own)) this.error(`the page never imports ${module}, which ${own} should replace`);
  },
};

/** Markup and style go beside the script as they were written. */
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
