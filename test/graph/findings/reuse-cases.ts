/** Trees that are handed out again for too long. */
import { client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const graph = (issuer: string): string => `waybill: 1
name: test
issuer: { url: 'https://tokens.example', ${issuer} }
defaults: { headers: { profile: envoy } }
${client('{ shop: [browse] }')}services:
  shop: { scopes: { browse: } }
`;

export const reuseCases: readonly Case[] = [
  {
    title: 'trees that are handed out again for more than a quarter of their life',
    graph: graph('lifetime: 2m, reuse: ‸31s'),
    finds: ['reuse-too-long'],
    message: /`reuse` is 31 s, more than a quarter of `lifetime`, which is 120 s/,
    hint: /`reuse: 30s` or less/,
  },
  { title: 'just a quarter, which is not too long', graph: graph('lifetime: 2m, reuse: 30s'), finds: [] },
  {
    title: 'the same beside the default lifetime of five minutes',
    graph: graph('reuse: ‸76'),
    finds: ['reuse-too-long'],
    hint: /`reuse: 75s` or less/,
  },
  { title: 'a quarter of the default lifetime', graph: graph('reuse: 75'), finds: [] },
  {
    title: 'a life that has no quarter in whole seconds',
    graph: graph('lifetime: 3s, reuse: ‸1s'),
    finds: ['reuse-too-long'],
    hint: /^Take it out/,
  },
  { title: 'a window of no time', graph: graph('reuse: ‸0'), finds: ['invalid-value'] },
  { title: 'a window that is no duration', graph: graph('reuse: ‸true'), finds: ['wrong-type'] },
];
