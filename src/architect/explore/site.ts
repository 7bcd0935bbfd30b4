/** Writes the page with its data as static files, for any file server, or for a browser to open from the disk. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DATA_MARK, type PageFiles } from './page-files.ts';
import type { ViewData } from './view-data.ts';

/** @returns the files that were written. */
export function writeSite(folder: string, page: PageFiles, data: ViewData): string[] {
  mkdirSync(folder, { recursive: true });
  const files = {
    'index.html': page.html.replace(
      DATA_MARK,
      () => `<script type="application/json" id="data">${embedded(data)}</script>`,
    ),
    'page.js': page.script,
    'page.css': page.style,
    'licenses.md': page.licenses,
  };
  return Object.entries(files).map(([name, text]) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  });
}

/** Escapes `<`, so that no name in the JSON ends the script element or begins a comment. */
function embedded(data: ViewData): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}
