/** Every relative link leads to a file of the repository, and every fragment to a heading. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { readDocument, type Document, type Problem } from './document.ts';

export function brokenLinks(root: string, document: Document): Problem[] {
  return document.links.flatMap(({ url, line }) => {
    const fault = faultOf(root, document, url);
    return fault === undefined ? [] : [{ file: document.file, line, text: `link ${url}: ${fault}` }];
  });
}

function faultOf(root: string, document: Document, url: string): string | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(url)) return undefined;
  const [target = '', fragment] = url.split('#', 2).map(decodeURIComponent);
  const file = target === '' ? document.file : path.posix.join(path.posix.dirname(document.file), target);
  if (target.startsWith('/') || file.startsWith('..')) return 'leaves the repository';
  if (!existsSync(path.join(root, file))) return 'no such file';
  if (fragment === undefined || !file.endsWith('.md')) return undefined;
  const { anchors } = file === document.file ? document : readDocument(root, file);
  return anchors.has(fragment) ? undefined : 'no such heading';
}
