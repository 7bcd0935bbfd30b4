/** Overlays: names that nothing declares, changes that widen, and values at fault in either file. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const OVERLAY = 'waybill: 1\noverlay: true\n';

const GRAPH = `${HEAD}${client('{ shop: [browse, buy] }')}services:
  shop:
    scopes:
      browse:
      buy: { calls: { pay: [charge] } }
  pay: { lifetime: 1m, scopes: { charge: } }
`;

const overlaid = (overlay: string, graph = GRAPH) => ({
  graph: { 'graph.yaml': graph, 'env/prod.yaml': OVERLAY + overlay },
  overlays: ['env/prod.yaml'],
});

export const overlayCases: readonly Case[] = [
  {
    title: 'a misspelt service, with the one that is meant',
    ...overlaid('services: { ‸pai: { lifetime: 30s } }'),
    finds: ['overlay-unmatched'],
    message: /No ordinary file declares the service pai/,
    hint: /Did you mean pay\?/,
  },
  {
    title: 'a new client, zone, claim, identity provider and variable',
    ...overlaid(
      'clients: { ‸app: {} }\nzones: { ‸mesh: }\nclaims: { ‸tier: { from: client } }\nsubjects: { ‸login: {} }\nvars: { ‸domain: x }',
    ),
    finds: Array.from({ length: 5 }, () => 'overlay-unmatched' as const),
  },
  {
    title: 'a new scope, a new call, and a new call of an entry without settings',
    ...overlaid(
      'services:\n  shop: { scopes: { ‸sell: , browse: { calls: { ‸pay: [charge] } }, buy: { calls: { ‸bank: [pay] } } } }',
    ),
    finds: ['overlay-unmatched', 'overlay-unmatched', 'overlay-unmatched'],
    message: /the scope sell of shop/,
  },
  {
    title: 'the target of an overlay in a folder that is not applied',
    graph: {
      'graph.yaml': GRAPH,
      'env/dev.yaml': `${OVERLAY}services: { ‸pai: { lifetime: 30s } }`,
      'env/prod.yaml': `${OVERLAY}services: { pay: { lifetime: 30s } }`,
    },
    overlays: ['env/prod.yaml'],
    finds: ['overlay-unmatched'],
  },
  {
    title: 'an entry that an earlier overlay has taken away',
    graph: {
      'graph.yaml': GRAPH,
      'a.yaml': `${OVERLAY}services: { shop: { scopes: { buy: { calls: { ‸pay: { mode: exchange } } } } } }`,
      'b.yaml': `${OVERLAY}services: { shop: { scopes: { buy: { calls: { pay: remove } } } } }`,
    },
    overlays: ['b.yaml', 'a.yaml'],
    finds: ['overlay-unmatched'],
  },
  {
    title: 'changes that widen, each at its line',
    ...overlaid(
      'defaults: { ‸caller: none }\nservices: { pay: { ‸lifetime: 2m, audience: pay } }',
      GRAPH.replace('charge: }', 'charge: }, audience: pay').replace('  pay:', '  ‸pay:'),
    ),
    finds: ['spendable-by-others', 'overlay-widens', 'overlay-widens'],
    leftOut: [],
  },
  {
    title: 'keys that an overlay cannot restate, and a second wrong value of the same key',
    ...overlaid('‸name: other\nservices: { pay: { lifetime: ‸soon } }'),
    finds: ['unknown-key', 'invalid-value'],
  },
  {
    title: '`remove` where no entry stands',
    ...overlaid('services: { pay: { lifetime: ‸remove } }'),
    finds: ['invalid-value'],
  },
  {
    title: 'a claim that an overlay takes away and a scope of an ordinary file needs',
    ...overlaid(
      'claims: { tier: remove }',
      GRAPH.replace('{ charge: }', '{ charge: { claims: [‸tier] } }').concat(
        'claims: { tier: { value: gold, max_bytes: 8 } }\n',
      ),
    ),
    finds: ['unknown-claim'],
  },
  {
    title: 'a value of an overlay that the variable cannot have',
    ...overlaid(
      'vars: { region: ‸ue, count: ‸many }\n',
      `${GRAPH}vars: { region: { one_of: [eu, us], default: eu }, count: 3 }\nx-used: 1\nzones: { '\${region}': , z: }\n`
        .replace('pay: { lifetime: 1m', "pay: { lifetime: '${count}', zone: '${region}'")
        .replace(' zones:', ' x:')
        .replace(', z: }', ' }'),
    ),
    finds: ['variable-value', 'variable-value'],
  },
  {
    title: 'open variables in an overlay, and one that contains another',
    ...overlaid(
      "vars: { e: ‸'a${d}' }\nservices: { pay: { zone: '‸${d}' } }\n",
      `${GRAPH}vars: { d: mesh, e: y }\nzones: { mesh: }\n`.replace(
        'pay: {',
        "pay: { zone: mesh, audience: '${d}${e}',",
      ),
    ),
    finds: ['invalid-value', 'open-variable'],
  },
  {
    title: 'a secret and a wrong value of an ordinary file, which an overlay replaces',
    ...overlaid(
      'clients: { web: { auth: { method: private_key_jwt, jwks_file: a.jwks } } }\nservices: { pay: { lifetime: 9 } }',
      GRAPH.replace('secret_env: WEB_SECRET', '‸secret: hunter2').replace('lifetime: 1m', 'lifetime: ‸soon'),
    ),
    finds: ['secret-in-graph', 'invalid-value'],
  },
  {
    title: 'an overlay without ordinary files',
    graph: { 'env/prod.yaml': `‸${OVERLAY}services: { pay: { lifetime: 30s } }` },
    overlays: ['env/prod.yaml'],
    finds: ['no-files'],
  },
  {
    title: 'an overlay that says so with a text',
    graph: {
      'graph.yaml': GRAPH,
      'prod.yaml': 'waybill: 1\noverlay: ‸yes\nservices: { ‸pay: { lifetime: 30s } }',
    },
    overlays: ['prod.yaml'],
    finds: ['invalid-value', 'duplicate-name'],
  },
];
