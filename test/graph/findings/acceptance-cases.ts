/** What is written under `accepted` and accepts nothing. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const graph = (code: string, at: string): string =>
  `${HEAD}${client('{ shop: [buy] }')}services:\n  shop: { scopes: { buy: } }\naccepted:\n  - { code: ${code}, at: ${at}, reason: x, until: '9999-12-31' }\n`;

export const acceptanceCases: readonly Case[] = [
  {
    title: 'a code that no finding has',
    graph: graph('‸unused-skope', 'shop'),
    finds: ['unknown-code'],
    hint: /unused-scope/,
  },
  {
    title: 'an error that cannot be accepted',
    graph: graph('‸unknown-scope', 'shop'),
    finds: ['accepted-error'],
    message: /only warnings/,
  },
  {
    title: 'an acceptance of nothing',
    graph: graph('unused-scope', '‸shop:buy'),
    finds: ['unused-acceptance'],
    message: /unused-scope at shop:buy/,
  },
];
