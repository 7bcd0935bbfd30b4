/** Files that are no graph, or hardly YAML. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

export const yamlCases: readonly Case[] = [
  {
    title: 'a bracket that is not closed',
    graph: 'waybill: 1\nservices: { a: { scopes: [\n‸',
    finds: ['yaml-syntax'],
    hint: /brackets/,
  },
  {
    title: 'a tab as indentation',
    graph: 'waybill: 1\nservices:\n‸\ta: {}\n',
    finds: ['yaml-syntax'],
    message: /tab/,
    hint: /spaces/,
  },
  {
    title: 'a variable inside braces without quotes',
    graph: 'waybill: 1\nvars: { d: x }\nissuer: { url: $‸{d} }\n',
    finds: ['yaml-syntax'],
    hint: /quotes/,
  },
  {
    title: 'an alias whose anchor comes later',
    graph: 'waybill: 1\nx-a: *‸later\nx-b: &later 1\n',
    finds: ['yaml-syntax'],
    message: /no anchor &later/,
  },
  {
    title: 'a mapping as a key',
    graph: 'waybill: 1\n? ‸{ a: b }\n: c\n',
    finds: ['yaml-syntax'],
    message: /key/,
  },
  {
    title: 'an alias of a list as a key',
    graph: 'waybill: 1\nx-a: &list ‸[1]\n? *list\n: c\n',
    finds: ['yaml-syntax'],
    message: /key/,
  },
  { title: 'a tag', graph: 'waybill: 1\nname: ‸!!str 5\n', finds: ['yaml-tag'], message: /!!str/ },
  {
    title: 'a tag of its own on a mapping',
    graph: 'waybill: 1\nzones: ‸!shop { a: }\n',
    finds: ['yaml-tag'],
  },
  {
    title: 'a merge key',
    graph: 'waybill: 1\nx-base: &base { zone: mesh }\nservices:\n  a:\n    ‸<<: *base\n',
    finds: ['yaml-merge-key'],
    hint: /defaults/,
  },
  {
    title: 'a key that stands twice',
    graph: `${HEAD}${client('{ shop: [browse] }')}services:
  shop: { zone: mesh, scopes: { browse: } }
zones:
  mesh: { via: [envoy] }
  ‸mesh: { via: [nginx] }
`,
    finds: ['duplicate-key'],
    message: /first in line 13/,
  },
  {
    title: 'a service that stands twice in one file, and a mistake elsewhere too',
    graph: `${HEAD}${client('{ shop: [browse] }')}services:
  shop: { scopes: { browse: } }
  ‸shop: { scopes: { browse: } }
  stock: { ‸scops: { } }
`,
    finds: ['duplicate-key', 'unknown-key'],
    leftOut: ['unreachable-service'],
  },
  {
    title: 'several documents',
    graph: 'waybill: 1\nname: one\n‸--- # the second\nwaybill: 1\n',
    finds: ['several-documents'],
    hint: /folder/,
  },
  { title: 'an empty file', graph: '‸', finds: ['empty-file'], hint: /waybill: 1/ },
  { title: 'nothing but a comment', graph: '‸# to be done\n', finds: ['empty-file'] },
  { title: 'nothing but the start of a document', graph: '‸---\n', finds: ['empty-file'] },
  {
    title: 'a list instead of a mapping',
    graph: '‸- waybill: 1\n',
    finds: ['wrong-type'],
    message: /mapping/,
  },
  { title: 'a text instead of a mapping', graph: '‸hello\n', finds: ['wrong-type'] },
  {
    title: 'an alias inside its own anchor',
    graph: 'waybill: 1\nx-self: &self { again: *‸self }\n',
    finds: ['alias-limit'],
    message: /own anchor/,
  },
  {
    title: 'aliases of aliases that stand for 10 billion values',
    graph: `waybill: 1\n${bomb()}`,
    finds: ['alias-limit'],
    message: /100,000/,
  },
  {
    title: 'brackets 10,000 deep',
    graph: `waybill: 1\nx: ${'['.repeat(63)}‸${'['.repeat(10_000 - 63)}`,
    finds: ['yaml-depth'],
    hint: /nine/,
  },
  {
    title: 'indentation 500 deep',
    graph: Array.from({ length: 500 }, (_, depth) => `${' '.repeat(depth)}${depth === 63 ? '‸' : ''}a:`).join(
      '\n',
    ),
    finds: ['yaml-depth'],
  },
];

/** Each line stands for ten times the line before; the sixth is past the bound. */
function bomb(): string {
  const lines = ['x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
  for (let at = 1; at <= 9; at++) {
    const aliases = Array.from({ length: 10 }, () => `*a${at - 1}`);
    lines.push(`x-${at}: &a${at} [${aliases.join(', ')}]`);
  }
  // 1 + 10 values in the first; 11 × 10, 111 × 10, … are added: the eighth alias of line x-4 is one too many.
  lines[4] = lines[4]!.replace(/^((?:[^*]*\*){8})/, '$1‸');
  return `${lines.join('\n')}\n`;
}
