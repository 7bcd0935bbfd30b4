/**
 * Bundles the page: one script and one style sheet, with all that it needs inside, so that it works from any folder and
 * without a network. Code of other rooms comes in as it is; the few things of Node's that it uses have their like here.
 */
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const root = path.resolve(here, '../../..');
const shim = (name: string): string => path.join(here, 'shims', name);

/** What is left out by name must be left out in fact: the build fails where code that is used needs a module of Node's. */
const noNode: Plugin = {
  name: 'no-node',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === 'chunk' && chunk.imports.length > 0)
        this.error(`the page needs ${chunk.imports.join(', ')}, which no browser has`);
      if (chunk.type === 'chunk') console.log(Object.entries(chunk.modules).map(([k,v])=>[k.replace(root,''),v.renderedLength]).filter(([,l])=>l>0).map(x=>x.join(' ')).join('\n'));
    }
  },
};

export default defineConfig({
  root: here,
  base: './',
  configFile: false,
  plugins: [noNode],
  resolve: { alias: { 'node:zlib': shim('zlib.ts') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: path.join(root, 'dist/explorer/page'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      external: [/^node:(?!zlib$)/],
      input: path.join(here, 'main.tsx'),
      treeshake: { moduleSideEffects: (id) => /\.css$|\/page\/(main|shims)/.test(id) },
      output: {
        format: 'iife',
        entryFileNames: 'page.js',
        assetFileNames: 'page[extname]',
      },
    },
  },
});
