/** Sealed calls: those without a key, those that the callee could not open, and who still holds what is sealed. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

interface Parts {
  /** How shop calls vault. */
  call?: string;
  /** Of vault, beside its scopes. */
  vault?: string;
  /** How web calls shop. */
  asks?: string;
  shop?: string;
  scopes?: string;
  top?: string;
  more?: string;
  caller?: string;
}

const KEY = 'encryption: { jwks_file: vault.jwks }';

/** web → shop → vault */
const graph = ({
  call = '',
  vault = '',
  asks = '[buy]',
  scopes = '[take]',
  top = '',
  more = '',
  ...parts
}: Parts): string => `${HEAD}${top}
${client(`{ shop: ${asks} }`)}services:
  shop:
    auth: { method: client_secret_basic, secret_env: S }
    ${parts.shop ?? ''}
    scopes: { buy: { calls: { vault: { scopes: ${scopes}${call} } } } }
  vault:
    caller: ${parts.caller ?? 'mtls'}
    ${vault}
    scopes: { take: }
${more}`;

export const sealingCases: readonly Case[] = [
  {
    title: 'a sealed call into a service without a key',
    graph: graph({ call: ', seal: ‸true' }),
    finds: ['seal-without-key'],
    message: /^The token for vault is to be sealed, and vault has no key/,
    hint: /jwks_file: keys\/vault\.enc\.jwks/,
  },
  {
    title: 'a service that is sealed for all and has no key, once',
    graph: graph({ call: ', seal: true', vault: 'seal: ‸true' }),
    finds: ['seal-without-key'],
  },
  {
    title: 'a service whose zone has keys and that clears them',
    graph: graph({
      top: 'zones: { pci: { defaults: { encryption: { jwks_file: "{name}.jwks" } } } }',
      call: ', seal: ‸true',
      vault: 'zone: pci, encryption: none'.replace(', ', '\n    '),
    }),
    finds: ['seal-without-key'],
  },
  {
    title: 'nothing of a sealed call into a service with a key',
    graph: graph({ call: ', seal: true', vault: KEY }),
    finds: [],
  },
  {
    title: 'nothing of keys whose names follow from the service',
    graph: graph({
      top: 'zones: { pci: { defaults: { encryption: { jwks_file: "{zone}/{name}.jwks" } } } }',
      call: ', seal: true',
      vault: 'zone: pci',
    }),
    finds: [],
  },
  {
    title: 'a sealed call of a client',
    graph: graph({ asks: '{ scopes: [buy], seal: ‸true }' }),
    finds: ['seal-without-key'],
    message: /^The token for shop/,
  },
  {
    title: 'a call that undoes the sealing of its callee',
    graph: graph({ call: ', seal: ‸false', vault: `seal: true\n    ${KEY}` }),
    finds: ['invalid-value'],
    message: /^Every call into vault is sealed, and shop cannot undo it\.$/,
  },
  {
    title: 'a sealed call without a token',
    graph: graph({ call: ', mode: none, seal: ‸true', vault: KEY, asks: '[buy], vault: [take]' }),
    finds: ['seal-unreadable'],
    message: /`mode: none`, which sends no token/,
  },
  {
    title: "a sealed call that sends the caller's own token",
    graph: graph({
      call: ', mode: ‸forward',
      vault: `accepts_forward: [shop]\n    seal: true\n    ${KEY}`,
      caller: 'none',
    }),
    finds: ['seal-unreadable'],
    message: /sends the caller's own token/,
    hint: /Embed the call/,
  },
  {
    title: 'keys in no place and in two',
    graph: graph({
      call: ', seal: true',
      vault: 'encryption: ‸{ jwks_file: a, jwks_uri: "https://vault.example/jwks" }',
      shop: 'encryption: ‸{ alg: ECDH-ES }',
    }),
    finds: ['key-source', 'key-source'],
    hint: /`jwks_file` or `jwks_uri`, and only one/,
  },
  {
    title: 'keys that anyone on the way could replace',
    graph: graph({ call: ', seal: true', vault: 'encryption: { jwks_uri: ‸"http://vault.example/jwks" }' }),
    finds: ['invalid-value'],
    message: /is neither https nor http on loopback/,
  },
  {
    title: 'a key of two services: whoever carries a token could open it',
    graph: graph({
      call: ', seal: true',
      vault: 'encryption: ‸{ jwks_file: all.jwks }',
      shop: 'encryption: { jwks_file: all.jwks }',
    }),
    finds: ['duplicate-identity'],
    message: /^shop and vault have the same encryption keys/,
  },
  {
    title: 'an audience that is too long for the header of a sealed token',
    graph: graph({
      call: ', seal: true',
      vault: `audience: ‸'https://vault.example/${'a'.repeat(640)}'\n    ${KEY}`,
    }),
    finds: ['invalid-value'],
    message: /at most 640/,
  },
  {
    title: 'a placeholder in a key file that has no value',
    graph: graph({ call: ', seal: true', vault: 'encryption: { jwks_file: ‸"{namespace}.jwks" }' }),
    finds: ['placeholder-without-value'],
    message: /^vault has no namespace for \{namespace\}/,
  },
  {
    title: 'a claim that callers above read, and how to keep it from them',
    graph: graph({
      top: 'zones: { pci: , web: }\nclaims: { card: { value: x, zones: [pci] } }',
      vault: 'zone: pci\n    claims: [‸card]',
      shop: 'zone: web',
    }),
    finds: ['claim-outside-zone'],
    hint: /seal the tokens of vault \(`seal: true`, with an `encryption`\)/,
  },
  {
    title: 'nothing of a claim below a sealed call, for who carries it cannot read it (S10)',
    graph: graph({
      top: 'zones: { pci: , web: }\nclaims: { card: { value: x, zones: [pci] } }',
      call: ', seal: true',
      vault: `zone: pci\n    claims: [card]\n    ${KEY}`,
      shop: 'zone: web',
    }),
    finds: [],
  },
  {
    title: 'nothing of such a claim in a token that its caller fetches sealed',
    graph: graph({
      top: 'zones: { pci: , web: }\nclaims: { card: { value: x, zones: [pci] } }',
      call: ', seal: true, mode: exchange',
      vault: `zone: pci\n    claims: [card]\n    ${KEY}`,
      shop: 'zone: web',
    }),
    finds: [],
  },
  {
    title: "nothing of such a claim in a client's root, which it cannot read where its call is sealed",
    graph: graph({
      top: 'zones: { pci: }\nclaims: { card: { value: x, zones: [pci] } }',
      asks: '{ scopes: [buy], seal: true }',
      shop: 'zone: pci\n    claims: [card]\n    encryption: { jwks_file: shop.jwks }',
      vault: 'zone: pci',
    }),
    finds: [],
  },
  {
    title: 'a sealed token that others could present: sealing is no caller check (threat 57)',
    graph: graph({ call: ', seal: true', caller: 'none', vault: KEY }).replace('  vault:', '  ‸vault:'),
    finds: ['spendable-by-others'],
    message: /these could present a token that is not theirs: web \(client\)/,
    hint: /^Sealing hides what a token says, and whoever carries it can still present it\./,
  },
];
