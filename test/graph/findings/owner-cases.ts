/** Owners, their files, and zones that are closed to others. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const files = (owners: string, { shop = 'team-web', callers = '', head = '' } = {}) => ({
  'graph.yaml': `${HEAD}owners: ${owners}\n${head}${client('{ shop: [order] }', 'owner: team-web')}`,
  'web/shop.yaml': `waybill: 1\nservices:\n  ‸shop: { owner: ${shop}, scopes: { order: { calls: { stock: [take] } } } }\n`,
  'stock.yaml': `waybill: 1\nservices:\n  stock: { owner: team-stock, scopes: { take: { ${callers} } } }\n`,
});

const unmarked = (marked: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(marked).map(([name, text]) => [name, text.replaceAll('‸', '')]));

const OWNERS = "{ team-web: ['*.yaml', 'web/**'], team-stock: [stock.yaml] }";

export const ownerCases: readonly Case[] = [
  {
    title: 'nothing where each party stands in a file of its owner',
    graph: unmarked(files(OWNERS)),
    finds: [],
  },
  {
    title: 'a service in a file of another owner',
    graph: files(OWNERS, { shop: 'team-stock' }),
    finds: ['owner-outside-path'],
    message: /shop belongs to team-stock and stands in web\/shop\.yaml, .*: stock\.yaml\./,
  },
  {
    title: 'a service in a folder that a star for files does not match',
    graph: files("{ team-web: ['*.yaml', 'w*'], team-stock: [stock.yaml] }"),
    finds: ['owner-outside-path'],
  },
  {
    title: 'an owner that the graph does not list',
    graph: {
      ...unmarked(files(OWNERS)),
      'stock.yaml': `waybill: 1\nservices:\n  stock: { owner: ‸team-stok, scopes: { take: } }\n`,
    },
    finds: ['unknown-owner'],
    hint: /Did you mean team-stock\?/,
  },
  {
    title: 'a service without an owner in a graph that lists owners',
    graph: {
      ...unmarked(files(OWNERS)),
      'stock.yaml': `waybill: 1\nservices:\n  ‸stock: { scopes: { take: } }\n`,
    },
    finds: ['missing-key'],
    message: /stock has no `owner`\./,
  },
  {
    title: 'patterns that match no file below the list',
    graph: {
      ...unmarked(files(OWNERS)),
      'graph.yaml': `${HEAD}owners: { team-web: ['*.yaml', ‸'web/**.yaml', web/*], team-stock: [stock.yaml, ‸../other/*] }\n${client('{ shop: [order] }', 'owner: team-web')}`,
    },
    finds: ['invalid-value', 'invalid-value'],
  },
  {
    title: 'a party in a zone of others',
    graph: {
      ...unmarked(files(OWNERS, { head: 'zones: { pci: { owners: [team-stock] } }\n' })),
      'web/shop.yaml': `waybill: 1\nservices:\n  ‸shop: { owner: team-web, zone: pci, scopes: { order: { calls: { stock: [take] } } } }\n`,
      'stock.yaml': `waybill: 1\nservices:\n  stock: { owner: team-stock, zone: pci, scopes: { take: } }\n`,
    },
    finds: ['zone-closed'],
    message: /shop is in the zone pci and belongs to team-web; the zone is for: team-stock\./,
  },
  {
    title: 'an unknown owner of a zone',
    graph: {
      ...unmarked(files(OWNERS)),
      'graph.yaml': `${HEAD}owners: ${OWNERS}\nzones: { pci: { owners: [‸team-pci] } }\n${client('{ shop: [order] }', 'owner: team-web\n    zone: pci')}`,
    },
    finds: ['unknown-owner'],
    leftOut: ['zone-closed'],
  },
  {
    title: 'nothing about a selector by an owner whose files are listed',
    graph: unmarked(files(OWNERS, { callers: 'callers: [{ owner: team-web }]' })),
    finds: [],
  },
  {
    title: 'a selector by an owner that anyone can write',
    graph: {
      ...unmarked(files(OWNERS)),
      'graph.yaml': `${HEAD}${client('{ shop: [order] }', 'owner: team-web')}`,
      'stock.yaml': `waybill: 1\nservices:\n  stock: { scopes: { take: { callers: [‸{ owner: team-web }] } } }\n`,
    },
    finds: ['self-selected'],
  },
];
