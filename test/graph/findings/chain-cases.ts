/** Selectors in lists of parties, and chains of calls that a scope does not want. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const graph = (services: string, issuer = '', more = ''): string =>
  `${HEAD.replace("8080'", `8080'${issuer}`)}${more}${client('{ shop: [order], support: [help] }')}services:\n${services.replaceAll(/^/gm, '  ')}\n`;

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

/** Two ways to payment: shop → orders, support → orders. */
const shop = (payment: string, { orders = '', call = 'payment: [refund]', issuer = '' } = {}) =>
  graph(
    `shop: { scopes: { order: { calls: { orders: [place] } } } }
support: { scopes: { help: { calls: { orders: [undo] } } } }
orders: { ${orders} caller: mtls, scopes: { place: , undo: { calls: { ${call} } } } }
payment: { caller: mtls, scopes: { refund: { ${payment} } } }`,
    issuer,
  );

export const chainCases: readonly Case[] = [
  {
    title: 'a chain of calls that goes through the party',
    graph: shop('through: [support]'),
    finds: [],
  },
  {
    title: 'a chain of calls from a client that counts itself',
    graph: shop('through: [web]'),
    finds: [],
  },
  {
    title: 'a chain of calls without the party',
    graph: shop('through: [shop]', { call: '‸payment: [refund]' }),
    finds: ['chain-not-listed'],
    message: /web → support → orders leads to payment:refund without any of: shop/,
  },
  {
    title: 'a chain of calls without an unknown party',
    graph: shop('through: [‸suport]'),
    finds: ['unknown-caller'],
    leftOut: ['chain-not-listed'],
    hint: /Did you mean support\?/,
  },
  {
    title: 'an exchange whose token does not show the party two calls above',
    graph: shop('through: [web]', {
      orders: `${AUTH},`,
      call: '‸payment: { scopes: [refund], mode: exchange }',
    }),
    finds: ['lineage-too-short'],
    message: /orders can fetch a token for payment:refund/,
  },
  {
    title: 'an exchange whose token shows the party, as its caller',
    graph: shop('through: [support]', {
      orders: `${AUTH},`,
      call: 'payment: { scopes: [refund], mode: exchange }',
    }),
    finds: [],
  },
  {
    title: 'an exchange whose token keeps the whole chain',
    graph: shop('through: [web]', {
      orders: `${AUTH},`,
      call: 'payment: { scopes: [refund], mode: exchange }',
      issuer: ', lineage: full',
    }),
    finds: [],
  },
  {
    title: 'a party that forwards its own token (L4)',
    graph: graph(
      `shop: { scopes: { order: { calls: { ‸‸log: { scopes: [write], mode: forward } } } } }
support: { scopes: { help: } }
log: { accepts_forward: [shop], scopes: { write: { through: [shop] } } }`,
    ),
    finds: ['lineage-forwarded', 'forward-leaks'],
  },
  {
    title: 'a selector that everyone fits, and anyone can join',
    graph: graph(
      `shop: { labels: { team: web }, scopes: { order: { calls: { stock: [take] } } } }
support: { scopes: { help: } }
stock: { scopes: { take: { callers: [‸{ label: { team: web } }] } } }`,
    ),
    finds: ['self-selected'],
    message: /fit \{label: \{team: web\}\} in `callers`/,
  },
  {
    title: 'a caller that no selector fits',
    graph: graph(
      `shop: { labels: { team: web }, scopes: { order: { calls: { stock: [take] } } } }
support: { scopes: { help: { calls: { stock: [‸take] } } } }
stock: { scopes: { take: { callers: [‸{ label: { team: web } }] } } }`,
    ),
    finds: ['caller-not-listed', 'self-selected'],
    message: /support may not call stock:take; its callers are: shop/,
  },
  {
    title: 'a selector that nobody fits',
    graph: graph(
      `shop: { scopes: { order: } }
support: { scopes: { help: } }
‸stock: { scopes: { take: { callers: [‸‸{ namespace: nowhere }] } } }`,
    ),
    finds: ['unreachable-service', 'empty-selector', 'self-selected'],
  },
  {
    title: 'a selector by a zone that is not declared',
    graph: graph(
      `shop: { scopes: { order: { through: [‸{ zone: ‸pci }] } } }
support: { scopes: { help: } }`,
    ),
    finds: ['self-selected', 'unknown-zone'],
    leftOut: ['empty-selector', 'chain-not-listed'],
  },
];
