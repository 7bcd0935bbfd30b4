/** Who holds what (rule 8): tokens that others can spend, and claims that are read outside their zones. */
import { client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const ZONES = 'zones: { mesh: , partner: { external: true } }';

interface Parts {
  top?: string;
  /** Of every service. */
  all?: string;
  client?: string;
  /** Of stock, which is called by shop; and of depot, which is called by stock. */
  stock?: string;
  depot?: string;
  /** How stock calls depot. */
  call?: string;
  more?: string;
}

/** web → shop → stock → depot; a mark stands before depot. */
const graph = (parts: Parts, mark = '‸'): string => `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
${parts.top ?? ''}
defaults: { headers: { profile: envoy }, ${parts.all ?? 'caller: mtls'} }
${client('{ shop: [buy] }', parts.client)}
services:
  shop: { auth: { method: client_secret_basic, secret_env: S }, scopes: { buy: { calls: { stock: [take] } } } }
  stock:
    auth: { method: client_secret_basic, secret_env: S }
    ${parts.stock ?? ''}
    scopes: { take: { calls: { depot: ${parts.call ?? '[pick]'} } } }
  ${mark}depot:
    ${parts.depot ?? 'caller: none'}
    scopes: { pick: }
${parts.more ?? ''}`;

const claims = (parts: Omit<Parts, 'depot'>, mark = '‸'): string =>
  graph(
    {
      ...parts,
      top: `${ZONES}\nclaims: { email: { value: x, zones: [mesh] } }`,
      all: 'caller: mtls, zone: mesh',
      depot: `claims: [${mark}email]`,
    },
    '',
  );

/** Without it the declared zone would be empty, or the claim unused. */
const AWAY = '  away: { zone: partner, scopes: { see: } }\n  host: { zone: mesh, scopes: { see: } }\n';
const reached = (text: string): string =>
  text.replace('{ shop: [buy] }', '{ shop: [buy], away: [see], host: [see] }');

export const accessCases: readonly Case[] = [
  {
    title: 'a token that the client and a service above hold, once for the service that takes it',
    graph: graph({}),
    finds: ['spendable-by-others'],
    message: /^depot does not check its callers, .*: web \(client\), shop\.$/,
    hint: /caller: mtls.*mode: exchange.*token: opaque/,
  },
  { title: 'nothing where it checks who calls', graph: graph({ depot: 'caller: mtls' }, ''), finds: [] },
  {
    title: 'the service above alone where the client is opaque',
    graph: graph({ client: 'token: opaque' }),
    finds: ['spendable-by-others'],
    message: /: shop\.$/,
    hint: /^[^;]*mode: exchange`\)\.$/,
  },
  {
    title: 'nothing of a token that is fetched, for none but its presenter gets it',
    graph: graph({ call: '{ scopes: [pick], mode: exchange }' }, ''),
    finds: [],
  },
  {
    title: 'nothing of a token that the client itself presents',
    graph: graph({ all: 'caller: none', stock: 'caller: mtls', depot: 'caller: mtls' }, ''),
    finds: [],
  },
  {
    title: 'a gateway that swaps the root, and with it gets all that the root embeds',
    graph: graph({ client: 'token: opaque' }).replace(
      'clients:',
      'clients:\n  edge: { auth: { method: client_secret_basic, secret_env: E }, introspect: [shop], calls: {} }',
    ),
    finds: ['spendable-by-others'],
    message: /: edge \(client\), shop\.$/,
  },
  {
    title: 'a client outside every zone that holds it, as an error',
    graph: reached(graph({ top: ZONES, all: 'caller: mtls, zone: mesh', more: AWAY })),
    finds: ['spendable-outside'],
    message: /: web \(client, in no zone\), shop\.$/,
  },
  {
    title: 'a client in a zone, as a warning',
    graph: reached(graph({ top: ZONES, all: 'caller: mtls, zone: mesh', client: 'zone: mesh', more: AWAY })),
    finds: ['spendable-by-others'],
  },
  {
    title: 'a client in an external zone, as an error',
    graph: reached(
      graph({ top: ZONES, all: 'caller: mtls, zone: mesh', client: 'zone: partner', more: AWAY }),
    ),
    finds: ['spendable-outside'],
    message: /web \(client, zone partner\)/,
  },
  {
    title: 'a service above in an external zone, as an error',
    graph: graph({ top: ZONES, all: 'caller: mtls, zone: mesh', client: 'token: opaque' }).replace(
      '  shop: { ',
      '  shop: { zone: partner, ',
    ),
    finds: ['spendable-outside'],
    message: /: shop \(zone partner\)\.$/,
  },
  {
    title: 'a token that is forwarded below the root, at the service that takes it so',
    graph: graph({
      call: '{ scopes: [pick], mode: forward }',
      depot: 'caller: none\n    accepts_forward: [stock]',
    }),
    finds: ['spendable-by-others'],
    message: /: web \(client\)\.$/,
    hint: /^Embed its token/,
  },
  {
    title: 'a claim that a client outside its zones reads',
    graph: claims({}).replace('partner: { external: true }', ''),
    finds: ['claim-outside-zone'],
    message:
      /^The claim email is only for the zone mesh, but these can read it in the token of depot: web \(client, in no zone\)\.$/,
    hint: /token: opaque/,
  },
  {
    title: 'nothing of a claim where the client is opaque, or in the zone',
    graph: claims({ client: 'token: opaque' }, '').replace('partner: { external: true }', ''),
    finds: [],
  },
  {
    title: 'a claim that a service above reads in another zone',
    graph: claims({ client: 'zone: mesh' }).replace('  shop: { ', '  shop: { zone: partner, '),
    finds: ['claim-outside-zone'],
    message: /: shop \(zone partner\)\.$/,
  },
  {
    title: 'a claim whose own service is in another zone',
    graph: claims({ client: 'zone: mesh', call: '{ scopes: [pick], mode: exchange }' }).replace(
      'claims: [',
      'zone: partner\n    claims: [',
    ),
    finds: ['claim-outside-zone'],
    message: /: depot \(zone partner\)\.$/,
    hint: /^depot reads its own token: put depot into the zone mesh\. Otherwise take email out of the claims of depot, or add the zone partner/,
  },
  {
    title: 'nothing of a claim in a token that is fetched inside its zone',
    graph: claims({ call: '{ scopes: [pick], mode: exchange }' }, '').replace(
      'partner: { external: true }',
      '',
    ),
    finds: [],
  },
  {
    title: 'a gateway outside the zones of a claim',
    graph: claims({ client: 'token: opaque' })
      .replace('partner: { external: true }', '')
      .replace(
        'clients:',
        'clients:\n  edge: { auth: { method: client_secret_basic, secret_env: E }, introspect: [shop], calls: {} }',
      ),
    finds: ['claim-outside-zone'],
    message: /: edge \(client, in no zone\)\.$/,
  },
  {
    title: 'zones that nobody declares, of a claim and of a client',
    graph: graph(
      {
        top: 'claims: { a: { value: 1, zones: [‸mash] } }',
        client: 'zone: ‸mush',
        depot: 'claims: [a]',
      },
      '',
    ),
    finds: ['unknown-zone', 'unknown-zone'],
    leftOut: ['claim-outside-zone'],
  },
];
