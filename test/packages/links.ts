/**
 * The links of the documents in a package: what they lead to must be in the package too. Documents for contributors
 * also name sources and tests, which only the repository has.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { fromMarkdown } from 'mdast-util-from-markdown';
import { visit } from 'unist-util-visit';

const FOR_CONTRIBUTORS = /^(?:docs\/|ARCHITECTURE\.md|CONTRIBUTING\.md)/;
const OF_REPOSITORY = /^(?:src|test|scripts|\.github)\//;

export interface Links {
  /** How many relative links there are. */
  readonly count: number;
  /** Those that lead to nothing. */
  readonly broken: readonly string[];
}

/** @param folder an installed package. */
export function linksIn(folder: string): Links {
  const documents = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.md') && !file.includes('node_modules'),
  );
  const links = documents.flatMap((file) =>
    targetsOf(readFileSync(path.join(folder, file), 'utf8')).map((target) => ({ file, target })),
  );
  const broken = links.filter(({ file, target }) => {
    const found = path.join(path.dirname(file), target);
    const isForContributors = FOR_CONTRIBUTORS.test(file) && OF_REPOSITORY.test(found);
    return !isForContributors && !existsSync(path.join(folder, found));
  });
  return { count: links.length, broken: broken.map(({ file, target }) => `${file}: ${target}`) };
}

function targetsOf(markdown: string): string[] {
  const targets: string[] = [];
  visit(fromMarkdown(markdown), (node) => {
    if (node.type !== 'link' && node.type !== 'image' && node.type !== 'definition') return;
    const [target = ''] = node.url.split('#');
    if (target !== '' && !/^[a-z]+:/i.test(target)) targets.push(decodeURI(target));
  });
  return targets;
}
