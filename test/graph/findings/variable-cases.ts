/** Variables: their types, the values they can have, and where they decide authority. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const graph = (vars: string, keys: string, calls = '{ shop: [browse] }'): string =>
  `${HEAD}vars: { ${vars} }\n${client(calls)}services:\n  shop: { ${keys} scopes: { browse: } }\n`;

const open = (count: number) => Array.from({ length: count }, () => 'open-variable' as const);

export const variableCases: readonly Case[] = [
  {
    title:
      'an open variable in a fact of a client, a level of a provider, who sets a claim, and who reads one',
    graph: `${HEAD}vars: { tier: silver, mfa: urn:2fa, setter: gateway, read: tier }
subjects: { login: { issuer: 'https://login.example', audience: app, acr: { mfa: ['‸\${mfa}'] } } }
claims: { tier: { from: client, type: string }, ip: { from: request, type: string, set_by: '‸\${setter}' } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, subjects: [login], grants: [token_exchange], claims: { tier: '‸\${tier}' }, calls: { shop: { scopes: [browse], when: 'client.tier != "gold" && auth.acr == "mfa"' } } }
services:
  shop: { claims: ['‸\${read}', ip], scopes: { browse: } }
`,
    finds: open(4),
  },
  {
    title: 'a required variable without a value, alone',
    graph: graph(
      "‸domain: { required: true, description: 'The DNS name' }",
      "audience: 'https://${domain}', identity: '${domain}',",
    ),
    finds: ['required-variable'],
    hint: /--var domain=VALUE/,
  },
  {
    title: 'a variable with neither default nor value, in a key and where a choice belongs',
    graph: graph('‸caller: { one_of: [none, mtls] }', "caller: '${caller}',"),
    finds: ['required-variable'],
  },
  {
    title: 'a default that is never used',
    graph: graph('d: { required: true, default: ‸a }', "audience: '${d}',"),
    finds: ['invalid-value'],
    message: /required/,
  },
  {
    title: 'a default of another type',
    graph: graph("n: { type: int, default: ‸'1.5' }", "lifetime: '${n}',"),
    finds: ['variable-value'],
    message: /"1\.5", but its type is int/,
  },
  {
    title: 'values from outside of another type',
    graph: graph('‸n: 60, ‸b: false, ‸f: 1.5', "lifetime: '${n}', x-b: '${b}', audience: '${b}/${f}',"),
    variables: { n: '60.5', b: 'yes', f: '.inf' },
    finds: ['variable-value', 'variable-value', 'variable-value'],
    message: /"60\.5"/,
  },
  {
    title: 'a value from outside that is not in one_of',
    graph: graph('‸region: { one_of: [eu, us], default: eu }', "audience: '${region}',"),
    variables: { region: 'ue' },
    finds: ['variable-value'],
    hint: /One of: eu, us\./,
  },
  {
    title: 'choices of another type, and a default that is none of them',
    graph: graph('n: { type: int, one_of: [1, ‸two], default: ‸3 }', "lifetime: '${n}',"),
    finds: ['variable-value', 'variable-value'],
  },
  {
    title: 'a number in a key',
    graph: `${graph('n: { type: int, one_of: [1], default: 1 }', "zone: z1, audience: 'a${n}',")}zones: { 'z‸\${n}': }\n`,
    finds: ['variable-value'],
  },
  {
    title: 'open variables where authority is decided',
    graph: `${HEAD}vars: { s: browse, z: mesh, c: mtls, p: web }
zones: { '‸\${z}': { external: false } }
claims: { ‸tier: { from: subject, zones: ['‸\${z}'] } }
${client("{ shop: ['‸${s}'] }")}services:
  shop: { zone: '‸\${z}', caller: '‸\${c}', scopes: { browse: { callers: ['‸\${p}'], through: ['‸\${p}'] } } }
`,
    finds: [...open(1), 'unused-claim', ...open(6)],
    hint: /one_of/,
  },
  {
    title: 'two keys that become one',
    graph: `${HEAD}vars: { z: { one_of: [mesh, edge], default: mesh } }
zones: { mesh: , ‸'\${z}': }
${client('{ shop: [browse] }')}services:
  shop: { zone: mesh, scopes: { browse: } }
`,
    finds: ['duplicate-key'],
    message: /filled in, the key mesh stands twice/,
  },
];
