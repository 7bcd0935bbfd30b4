/** Each part of the language that this version does not carry out. */
import type { Case } from './case.ts';

interface Parts {
  client?: string;
  call?: string;
  service?: string;
  claim?: string;
  top?: string;
}

const graph = ({ client = '', call = '', service = '', claim, top = '' }: Parts): string =>
  `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy }, caller: mtls }
claims: { tier: ${claim ?? '{ from: client, max_bytes: 9 }'} }
${top}
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    claims: { tier: gold }
    ${client}
    calls: { shop: [browse] }
services:
  shop:
    claims: [tier]
    scopes: { browse: { calls: { ads: { scopes: [read] ${call} } } } }
  ads:
    scopes: { read: }
    ${service}
`;

const cases: readonly (readonly [title: string, parts: Parts, says: RegExp])[] = [
  ['an encryption key', { service: '‸encryption: { jwks_file: a }' }, /Sealing/],
  ['a sealed call', { call: ', seal: ‸true' }, /Sealing/],
];

export const notYetCases: readonly Case[] = [
  ...cases.map(([title, parts, message]): Case => ({
    title,
    graph: graph(parts),
    finds: ['not-yet'],
    message,
    hint: /silently ignored/,
  })),
  {
    title: 'a call of a whole service that is sealed',
    graph: graph({
      service: 'calls: { tax: { scopes: [rate], seal: ‸true } }\n  tax: { scopes: { rate: } }',
    }),
    finds: ['not-yet'],
  },
];
