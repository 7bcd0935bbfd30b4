/** Keys and values that the schema does not know, variables, and files that do not go together. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const SHOP = `${client('{ shop: [browse] }')}services:\n  shop: { scopes: { browse: } }\n`;
const service = (keys: string): string =>
  `${HEAD}${client('{ shop: [browse] }')}services:\n  shop: { ${keys}, scopes: { browse: } }\n`;

export const shapeCases: readonly Case[] = [
  {
    title: 'an unknown key, with the nearest known one',
    graph: `${HEAD}${client('{ shop: [browse] }')}services:\n  shop: { ‸audiense: x, scopes: { browse: } }\n`,
    finds: ['unknown-key'],
    hint: /Did you mean audience\?/,
  },
  {
    title: 'an unknown key that is near to none',
    graph: `${HEAD}${SHOP}‸everything: 1\n`,
    finds: ['unknown-key'],
    hint: /Known here: .*services.*x-/,
  },
  { title: 'an unknown version', graph: `waybill: ‸2\n${HEAD.slice(11)}${SHOP}`, finds: ['invalid-value'] },
  {
    title: 'a file without its version',
    graph: `‸${HEAD.slice(11)}${SHOP}`,
    finds: ['missing-key'],
    hint: /waybill: 1/,
  },
  {
    title: 'a text where a list belongs',
    graph: `${HEAD}${client('{ shop: ‸browse }')}services:\n  shop: { scopes: { browse: } }\n`,
    finds: ['wrong-type'],
    leftOut: ['unreachable-service'],
    message: /a list or a mapping/,
  },
  {
    title: 'an empty value where a mapping belongs, at its key',
    graph: `${HEAD}${client('{ shop: [browse] }')}services:\n  shop:\n    ‸calls:\n    scopes: { browse: }\n`,
    finds: ['wrong-type'],
    message: /services\.shop\.calls must be a mapping/,
  },
  {
    title: 'an empty item of a list, at the item before',
    graph: `${HEAD}${client('{ shop: [browse] }')}services:
  shop:
    scopes:
      browse:
        operations:
          - ‸GET /
          -
`,
    finds: ['wrong-type'],
  },
  {
    title: 'a number where a text belongs',
    graph: service('audience: ‸12'),
    finds: ['wrong-type'],
    message: /text/,
  },
  {
    title: 'a value outside a closed list, with the nearest',
    graph: `${HEAD.replace("8080'", "8080', signing: ‸ES265")}${SHOP}`,
    finds: ['invalid-value'],
    hint: /ES256/,
  },
  {
    title: 'a name with a colon',
    graph: `${HEAD}${client('{ shop: [browse] }')}services:
  shop: { scopes: { browse: } }
  ‸a:b: { }
`,
    finds: ['invalid-value'],
    leftOut: ['unreachable-service'],
    message: /"a:b" is not written/,
    hint: /no colon/,
  },
  {
    title: 'the name __proto__ for a service',
    graph: `${HEAD}${client('{ shop: [browse] }')}services:
  shop: { scopes: { browse: } }
  ‸__proto__: { }
`,
    finds: ['invalid-value'],
    leftOut: ['unreachable-service'],
  },
  {
    title: 'a scope with a space',
    graph: `${HEAD}${client("{ shop: [browse, ‸'a b'] }")}services:\n  shop: { scopes: { browse: , ‸'a b': } }\n`,
    finds: ['invalid-value', 'invalid-value'],
  },
  {
    title: 'a size with a unit that does not exist',
    graph: service('headers: { profile: envoy, reserve: ‸2KB }'),
    finds: ['invalid-value'],
    hint: /KiB/,
  },
  {
    title: 'a reserve of headers without bytes',
    graph: service('headers: { profile: envoy, reserve: ‸{ headers: 20 } }'),
    finds: ['missing-key'],
    message: /bytes/,
  },
  {
    title: 'a reserve of bytes as a mapping, without headers',
    graph: service('headers: { profile: envoy, reserve: ‸{ bytes: 2KiB } }'),
    finds: ['missing-key'],
    message: /headers/,
  },
  {
    title: 'a reserve of half a header',
    graph: service('headers: { profile: envoy, reserve: { headers: ‸1.5, bytes: 2KiB } }'),
    finds: ['wrong-type'],
  },
  {
    title: 'a reserve of more headers than any server takes',
    graph: service('headers: { profile: envoy, reserve: { headers: ‸10001, bytes: 2KiB } }'),
    finds: ['invalid-value'],
  },
  {
    title: 'a size with a unit that every object has',
    graph: service('headers: { profile: envoy, reserve: ‸2constructor }'),
    finds: ['invalid-value'],
  },
  {
    title: 'a size over 16 MiB, as number and as text',
    graph: service('headers: { max_line: ‸16777217, max_total: ‸17MiB }'),
    finds: ['invalid-value', 'invalid-value'],
    message: /16777216/,
  },
  {
    title: 'a life longer than a day, however it is written',
    graph: `${HEAD.replace("8080'", "8080', lifetime: ‸99999h")}${client('{ shop: [browse], b: [s], c: [s] }')}services:
  shop: { lifetime: ‸86401, scopes: { browse: } }
  b: { lifetime: ‸86401s, scopes: { s: } }
  c: { lifetime: ‸1441m, scopes: { s: } }
`,
    finds: ['invalid-value', 'invalid-value', 'invalid-value', 'invalid-value'],
    hint: /"5m"/,
  },
  {
    title: 'a probability over one',
    graph: `${HEAD}${client('{ shop: { scopes: [browse], probability: ‸2 } }')}services:\n  shop: { scopes: { browse: } }\n`,
    finds: ['invalid-value'],
    message: /more than 1/,
  },
  {
    title: 'a scope that one call names twice',
    graph: `${HEAD}${client('{ shop: ‸[browse, browse] }')}services:\n  shop: { scopes: { browse: } }\n`,
    finds: ['invalid-value'],
    message: /twice/,
  },
  {
    title: 'a secret in the graph, without telling it',
    graph: `${HEAD}clients:
  web: { auth: { method: client_secret_basic, ‸client_secret: hunter2, secret_env: WEB }, calls: { shop: [browse] } }
services:
  shop: { scopes: { browse: } }
`,
    finds: ['secret-in-graph'],
    message: /^(?!.*hunter2)/,
    hint: /secret_env/,
  },
  {
    title: 'a secret where the name of its variable belongs, without telling it',
    graph: `${HEAD}clients:
  web: { auth: { method: client_secret_basic, secret_env: ‸hunter-2 }, calls: { shop: [browse] } }
services:
  shop: { scopes: { browse: } }
`,
    finds: ['invalid-value'],
    message: /^(?!.*hunter)/,
  },
  {
    title: 'a variable that no one declared, with the nearest',
    graph: `${HEAD}vars: { domain: shop.example }\n${client('{ shop: [browse] }')}services:
  shop: { audience: 'https://‸\${domian}/\${domain}', scopes: { browse: } }
`,
    finds: ['undefined-variable'],
    hint: /Did you mean domain\?/,
  },
  {
    title: 'a variable where no vars exist',
    graph: service("audience: 'https://‸${domain}'"),
    finds: ['undefined-variable'],
    hint: /vars/,
  },
  {
    title: 'a variable without a value in the URL of the issuer, alone',
    graph: `${HEAD}${SHOP}`.replace(/url: [^ ]+/, "url: 'http://‸${hots}/'"),
    finds: ['undefined-variable'],
  },
  {
    title: 'variables named like what every object has',
    graph: service("audience: '‸${toString}‸${__proto__}'"),
    finds: ['undefined-variable', 'undefined-variable'],
  },
  {
    title: 'a variable that is not closed',
    graph: service("audience: 'https://‸${domain'"),
    finds: ['undefined-variable'],
    message: /not closed/,
  },
  {
    title: 'a --var that no vars declares',
    graph: `‸${HEAD}vars: { domain: a.example }\n${client('{ shop: [browse] }')}services:
  shop: { audience: 'https://\${domain}', scopes: { browse: } }
`,
    variables: { domian: 'b.example' },
    finds: ['undefined-variable'],
    message: /given for domian/,
    hint: /Did you mean domain\?/,
  },
  {
    title: 'a variable that holds another one',
    graph: `${HEAD}vars: { domain: shop.example, host: ‸'shop.\${domain}' }
${client('{ shop: [browse] }')}services:
  shop: { audience: 'https://\${host}', identity: '\${domain}', scopes: { browse: } }
`,
    finds: ['invalid-value'],
    message: /host contains `\$\{`/,
  },
  {
    title: 'a variable that nothing uses',
    graph: `${HEAD}vars: { ‸domain: shop.example }\n${SHOP}`,
    finds: ['unused-variable'],
  },
  {
    title: 'a name in two files, as service and client',
    graph: {
      'a.yaml': `${HEAD}${SHOP}`,
      'b.yaml': 'waybill: 1\nservices:\n  ‸web: { }\n',
    },
    finds: ['duplicate-name'],
    message: /a\.yaml:6:3/,
    hint: /namespace/,
  },
  {
    title: 'a claim and a zone in two files',
    graph: {
      'a.yaml': `${HEAD}${SHOP.replace('shop: {', 'shop: { zone: mesh, claims: [region],')}claims: { region: { value: eu } }
zones: { mesh: }
`,
      'teams/b.yaml': 'waybill: 1\nclaims: { ‸region: { value: us } }\nzones: { ‸mesh: { via: [nginx] } }\n',
    },
    finds: ['duplicate-name', 'duplicate-name'],
    message: /a\.yaml:12:11/,
  },
  {
    title: 'settings in two files',
    graph: {
      'a.yaml': `${HEAD}vars: { a: b }\n${SHOP.replace('shop: {', "shop: { audience: '${a}',")}`,
      'b.yaml':
        "waybill: 1\n‸name: b\n‸issuer: { url: 'http://127.0.0.1:1' }\n‸vars: { c: d }\n‸defaults: { identity: '${c}/{name}' }\n",
    },
    finds: ['duplicate-setting', 'duplicate-setting', 'duplicate-setting', 'duplicate-setting'],
    message: /a\.yaml:2:1/,
  },
  {
    title: 'a graph without an issuer',
    graph: `‸waybill: 1\ndefaults: { headers: { profile: envoy } }\n${SHOP}`,
    finds: ['missing-key'],
    message: /issuer/,
    hint: /issuer: \{ url/,
  },
  {
    title: 'Ed25519 where a service reads plain JWTs',
    graph: `waybill: 1\nname: test\nissuer: { url: 'http://127.0.0.1:8080', signing: ‸Ed25519 }\ndefaults: { headers: { profile: go } }\n${client('{ shop: [s] }')}services:\n  shop: { accepts: jwt, scopes: { s: } }\n`,
    finds: ['signing-not-known'],
    message: /read plain JWTs: shop\.$/,
    hint: /EdDSA/,
  },
  {
    title: 'Ed25519 where Envoy stands before a service',
    graph: `waybill: 1\nname: test\nissuer: { url: 'http://127.0.0.1:8080', signing: ‸Ed25519 }\ndefaults: { headers: { profile: go } }\n${client('{ shop: { scopes: [s], via: [istio] } }')}services:\n  shop: { scopes: { s: } }\n`,
    finds: ['signing-not-known'],
    message: /Envoy as their server or before it: shop\.$/,
  },
  {
    title: 'the older name of Ed25519, or Ed25519 where Waybill reads the token',
    graph: `waybill: 1\nname: test\nissuer: { url: 'http://127.0.0.1:8080', signing: EdDSA }\ndefaults: { headers: { profile: envoy } }\n${client('{ shop: [s] }')}services:\n  shop: { accepts: jwt, scopes: { s: ‸nonsense } }\n`,
    finds: ['wrong-type'],
  },
];
