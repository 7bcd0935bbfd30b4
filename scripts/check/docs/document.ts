/** Reads one Markdown document into the parts that the checks look at. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import GithubSlugger from 'github-slugger';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { visit } from 'unist-util-visit';

/** A fault, at a line of a document. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface Block {
  /** The first word after the fence, `''` without one. */
  readonly language: string;
  readonly text: string;
  /** Line of the first line of code, counted from 1. */
  readonly line: number;
  /** The command in `<!-- output: COMMAND -->` directly above the block. */
  readonly outputOf: string | undefined;
  /** Whether `<!-- run -->` is directly above the block. */
  readonly isProgram: boolean;
}

/** An image that a command draws. */
export interface Picture {
  /** As the document has it. */
  readonly url: string;
  readonly line: number;
  /** The command in `<!-- output: COMMAND -->` directly above. */
  readonly outputOf: string;
}

export interface Link {
  readonly url: string;
  readonly line: number;
  /** The text, if it is nothing but code. */
  readonly code?: string;
}

export interface Document {
  /** Relative to the repository's root, with forward slashes. */
  readonly file: string;
  readonly source: string;
  readonly blocks: readonly Block[];
  readonly pictures: readonly Picture[];
  readonly links: readonly Link[];
  /** Code inside sentences. */
  readonly code: readonly { readonly text: string; readonly line: number }[];
  /** What `#fragment` can point at: headings as GitHub names them, and explicit ids. */
  readonly anchors: ReadonlySet<string>;
}

type Tree = ReturnType<typeof fromMarkdown>;
type Part = Tree | Tree['children'][number];

const lineOf = (node: Part): number => node.position?.start.line ?? 1;

export function readDocument(root: string, file: string): Document {
  const source = readFileSync(path.join(root, file), 'utf8');
  const tree = fromMarkdown(source);
  const html: { value: string; line: number }[] = [];
  visit(tree, 'html', (node) => void html.push({ value: node.value, line: lineOf(node) }));
  return {
    file,
    source,
    blocks: blocksOf(tree),
    pictures: picturesOf(tree),
    code: codeOf(tree),
    links: [...linksOf(tree), ...attributes(html, /\b(?:href|src)="([^"]*)"/g)],
    anchors: new Set([
      ...headingsOf(tree),
      ...attributes(html, /\b(?:id|name)="([^"]*)"/g).map(({ url }) => url),
    ]),
  };
}

function blocksOf(tree: Tree): Block[] {
  const blocks: Block[] = [];
  visit(tree, 'code', (node, index, parent) => {
    const above = parent?.children[(index ?? 0) - 1];
    blocks.push({
      language: node.lang ?? '',
      text: node.value,
      line: lineOf(node) + 1,
      outputOf: commandIn(above),
      isProgram: above?.type === 'html' && /^<!--\s*run\s*-->$/.test(above.value),
    });
  });
  return blocks;
}

function picturesOf(tree: Tree): Picture[] {
  const pictures: Picture[] = [];
  visit(tree, 'paragraph', (node, index, parent) => {
    const [image, ...others] = node.children;
    const outputOf = commandIn(parent?.children[(index ?? 0) - 1]);
    if (image?.type === 'image' && others.length === 0 && outputOf !== undefined)
      pictures.push({ url: image.url, line: lineOf(node), outputOf });
  });
  return pictures;
}

function commandIn(above: Part | undefined): string | undefined {
  return above?.type === 'html' ? /^<!--\s*output:(.*)-->$/s.exec(above.value)?.[1]?.trim() : undefined;
}

function linksOf(tree: Tree): Link[] {
  const links: Link[] = [];
  visit(tree, (node) => {
    if (node.type === 'link' || node.type === 'image' || node.type === 'definition') {
      const [text, ...others] = node.type === 'link' ? node.children : [];
      const code = text?.type === 'inlineCode' && others.length === 0 ? { code: text.value } : {};
      links.push({ url: node.url, line: lineOf(node), ...code });
    }
  });
  return links;
}

function codeOf(tree: Tree): { text: string; line: number }[] {
  const code: { text: string; line: number }[] = [];
  visit(tree, 'inlineCode', (node) => void code.push({ text: node.value, line: lineOf(node) }));
  return code;
}

function headingsOf(tree: Tree): string[] {
  const slugger = new GithubSlugger();
  const slugs: string[] = [];
  visit(tree, 'heading', (heading) => {
    let title = '';
    visit(heading, (node) => {
      if (node.type === 'text' || node.type === 'inlineCode') title += node.value;
    });
    slugs.push(slugger.slug(title));
  });
  return slugs;
}

function attributes(
  html: readonly { value: string; line: number }[],
  pattern: RegExp,
): { url: string; line: number }[] {
  return html.flatMap(({ value, line }) =>
    [...value.matchAll(pattern)].map((match) => ({ url: match[1] ?? '', line })),
  );
}
