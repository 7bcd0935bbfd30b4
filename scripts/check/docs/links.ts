/**
 * Every relative link leads to a file of the repository, to the one that its text names, and every fragment to a heading.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { readDocument, type Document, type Link, type Problem } from './document.ts';

const fileName = /^[\w./-]+\.[a-z]+$/;

export function brokenLinks(root: string, document: Document): Problem[] {
  return document.links.flatMap((link) => {
    const fault = faultOf(root, document, link);
    return fault === undefined
      ? []
      : [{ file: document.file, line: link.line, text: `link ${link.url}: ${fault}` }];
  });
}

function faultOf(root: string, document: Document, { url, code }: Link): string | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(url)) return undefined;
  const [target = '', fragment] = url.split('#', 2).map(decodeURIComponent);
  const file = target === '' ? document.file : path.posix.join(path.posix.dirname(document.file), target);
  if (target.startsWith('/') || file.startsWith('..')) return 'leaves the repository';
  if (!existsSync(path.join(root, file))) return 'no such file';
  if (code !== undefined && fileName.test(code) && !`/${file}`.endsWith(`/${code}`))
    return `its text names ${code}`;
  if (fragment === undefined || !file.endsWith('.md')) return undefined;
  const { anchors } = file === document.file ? document : readDocument(root, file);
  return anchors.has(fragment) ? undefined : 'no such heading';
}
