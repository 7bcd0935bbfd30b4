/**
 * Bundles the page: one script and one style sheet, with all that it needs inside, so that it works from any folder and
 * without a network. Code of other rooms comes in as it is; the few things of Node's that it uses have their like here.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const root = path.resolve(here, '../../..');

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
  plugins: [noNode, asWritten],
  resolve: {
    alias: [
      { find: 'node:zlib', replacement: path.join(here, 'shims/zlib.ts') },
      { find: 'node:buffer', replacement: path.join(here, 'shims/node-buffer.ts') },
      // Only `token/verify.ts` imports it, and takes an answer that comes later.
      { find: './signature.ts', replacement: path.join(here, 'shims/signature.ts') },
    ],
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: path.join(root, 'dist/explorer/page'),
    emptyOutDir: true,
    target: 'es2022',
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      external: [/^node:(?!(?:zlib|buffer)$)/],
      input: path.join(here, 'main.tsx'),
      treeshake: { moduleSideEffects: (id) => /\/page\/(main|shims)/.test(id) },
      output: { format: 'iife', entryFileNames: 'page.js' },
    },
  },
});
