/** What a comparison says of one change. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { diffGraphs, type GraphDiff } from '../../../src/architect/diff/index.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { planOf } from '../../support/compile.ts';

const shop = `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example', lifetime: 5m }
subjects:
  login: { issuer: 'https://login.shop.example', audience: 'https://shop.example' }
claims:
  email: { from: subject, max_bytes: 64 }
  tier: { from: client }
  region: { value: eu }
defaults:
  audience: https://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { profile: envoy }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    grants: [client_credentials, token_exchange]
    subjects: [login]
    claims: { tier: gold }
    default_scopes: [browse]
    calls:
      front: { scopes: [browse, order], when: { order: { role: [buyer] } } }
  batch:
    auth: { method: client_secret_basic, secret_env: BATCH }
    calls: { stock: [count] }
  edge:
    auth: { method: client_secret_basic, secret_env: EDGE }
    introspect: [front]
    calls: {}
services:
  front:
    auth: { method: client_secret_basic, secret_env: FRONT }
    scopes:
      browse: { claims: [region], calls: { catalog: [read] } }
      order:
        claims: [email]
        calls: { stock: [reserve], catalog: { scopes: [read] }, mail: { mode: none } }
  catalog: { lifetime: 1m, scopes: { read: { operations: [GET /items] }, write: { claims: [tier] } } }
  stock:
    calls: { catalog: { scopes: [read] } }
    scopes: { reserve: { callers: [front] }, count: {} }
`;

function diff(...edits: readonly (readonly [string, string])[]): GraphDiff {
  const changed = edits.reduce((text, [from, to]) => {
    expect(text, from).to.include(from);
    return text.replace(from, to);
  }, shop);
  return diffGraphs(planOf(`${shop}  idle: { scopes: {} }\n`), planOf(`${changed}  idle: { scopes: {} }\n`));
}

function told({ changes }: GraphDiff): string[] {
  return changes.map(({ mark, kind, what }) => `${mark} ${kind}: ${what}`);
}

describe('the comparison of two graphs', () => {
  it('finds no change between a graph and itself', () => {
    const { verdict, changes, effects } = diff();
    expect(verdict).to.equal('neutral');
    expect(changes).to.be.empty;
    expect(effects).to.deep.include({ reach: [], requests: [], unweighed: 0 });
  });

  const cases: readonly (readonly [
    title: string,
    edits: readonly (readonly [string, string])[],
    said: string,
  ])[] = [
    [
      'a claim more',
      [['reserve: {', 'reserve: { claims: [region],']],
      'widens claim: stock:reserve now carries the claim region',
    ],
    [
      'a claim less',
      [['claims: [region]', 'claims: []']],
      'narrows claim: front:browse no longer carries the claim region',
    ],
    [
      'a claim that becomes a must',
      [['claims: [email]', "claims: ['email!']"]],
      'narrows claim-required: front:order now fails where the claim email has no value',
    ],
    [
      'a claim with another source',
      [
        ['tier: { from: client }', 'tier: { value: gold }'],
        ['    claims: { tier: gold }\n', ''],
        ['catalog: [read]', 'catalog: [read, write]'],
      ],
      'widens scope: front:browse now asks catalog for write',
    ],
    [
      'a claim with another value',
      [['region: { value: eu }', 'region: { value: us }']],
      'widens claim-source: the claim region is "us", not "eu"',
    ],
    [
      'longer values of a claim',
      [['max_bytes: 64', 'max_bytes: 128']],
      'widens claim-bound: a value of the claim email has at most 128 bytes, not 64',
    ],
    [
      'a scope more in a call',
      [['calls: { stock: [reserve]', 'calls: { stock: [reserve, count]']],
      'widens scope: front:order now asks stock for count',
    ],
    [
      'a call less',
      [['calls: { stock: [count] }', 'calls: {}']],
      'narrows scope: batch may no longer ask for stock:count',
    ],
    [
      'a mode that shows more',
      [['mail: { mode: none }', 'mail: { mode: none }, idle: { mode: none }']],
      'neutral call: front:order now calls idle without a token',
    ],
    [
      'a call on demand',
      [['calls: { stock: [reserve]', 'calls: { stock: { scopes: [reserve], mode: exchange }']],
      'narrows mode: front:order now calls stock by exchange, not embed',
    ],
    [
      'a last day of a call',
      [['calls: { stock: [reserve]', 'calls: { stock: { scopes: [reserve], until: 2999-01-31 }']],
      'narrows until: front:order calls stock:reserve until 2999-01-31',
    ],
    [
      "a last day of a client's call",
      [['calls: { stock: [count] }', 'calls: { stock: { scopes: [count], until: 2999-01-31 } }']],
      'narrows until: batch may ask for stock:count until 2999-01-31',
    ],
    [
      'one more audience',
      [
        [
          '  catalog: {',
          "  catalog: { audience: ['https://catalog.shop.example', 'https://goods.shop.example'],",
        ],
      ],
      'widens audience: catalog takes tokens for https://catalog.shop.example and https://goods.shop.example, not https://catalog.shop.example',
    ],
    [
      'one more identity',
      [
        [
          '  stock:\n',
          "  stock:\n    identity: ['spiffe://shop.example/stock', 'spiffe://shop.example/canary']\n",
        ],
      ],
      'widens identity: stock calls as spiffe://shop.example/stock and spiffe://shop.example/canary, not as spiffe://shop.example/stock',
    ],
    [
      'a shorter life',
      [['lifetime: 1m', 'lifetime: 30s']],
      'narrows lifetime: a token for catalog lives at most 30 s, not at most 60 s',
    ],
    [
      'a life that the token above ends sooner',
      [['stock:\n', 'stock:\n    lifetime: 1h\n']],
      'neutral lifetime: a token for stock lives at most 3600 s, not as long as the one above it',
    ],
    [
      'a longer root',
      [['lifetime: 5m', 'lifetime: 10m']],
      'widens lifetime: a root token lives 600 s, not 300 s',
    ],
    [
      'another audience',
      [['catalog: { lifetime', "catalog: { audience: 'https://c.example', lifetime"]],
      'widens audience: catalog takes tokens for https://c.example, not https://catalog.shop.example',
    ],
    [
      'another identity of who presents tokens',
      [['  front:\n    auth', "  front:\n    identity: 'spiffe://shop.example/f'\n    auth"]],
      'widens identity: front calls as spiffe://shop.example/f, not as spiffe://shop.example/front',
    ],
    [
      'another identity of who presents none',
      [['catalog: { lifetime', "catalog: { identity: 'spiffe://shop.example/c', lifetime"]],
      'neutral identity: catalog calls as spiffe://shop.example/c, not as spiffe://shop.example/catalog',
    ],
    [
      'a scope whose tokens live shorter',
      [['count: {} }', 'count: { lifetime: 30s } }']],
      'narrows lifetime: a token with stock:count lives at most 30 s, not as long as the one above it',
    ],
    [
      'a client whose trees live shorter',
      [['  batch:\n', '  batch:\n    lifetime: 10s\n']],
      'narrows lifetime: trees of batch live 10 s, not 300 s',
    ],
    [
      'a scope that one more party may call',
      [['callers: [front]', 'callers: [front, batch]']],
      'widens callers: stock:reserve may now be called by batch',
    ],
    [
      'a scope that anyone may call now',
      [['reserve: { callers: [front] }', 'reserve: {}']],
      'widens callers: stock:reserve may now be called by anyone, with a call in the graph',
    ],
    [
      'a scope that has a list of callers now',
      [['count: {} }', 'count: { callers: [batch, front] } }']],
      'narrows callers: stock:count may now be called by batch and front alone',
    ],
    [
      'a scope that a selector lets one more party call',
      [
        ['callers: [front]', 'callers: [front, { label: { kind: job } }]'],
        ['  batch:\n', '  batch:\n    labels: { kind: job }\n'],
      ],
      'widens callers: stock:reserve may now be called by batch',
    ],
    [
      'a scope that only some chains may lead to',
      [['count: {} }', 'count: { through: [batch] } }']],
      'narrows through: a chain of calls to stock:count now goes through batch',
    ],
    [
      'a service whose tokens name every party before it',
      [['stock:\n', 'stock:\n    lineage: full\n']],
      'narrows lineage: a token for stock now names every party before it',
    ],
    [
      'a service that checks its callers',
      [['stock:\n', 'stock:\n    caller: mtls\n']],
      'narrows caller: stock now checks who presents a token',
    ],
    [
      'a service that can fetch',
      [['stock:\n', 'stock:\n    auth: { method: client_secret_basic, secret_env: STOCK }\n']],
      'widens auth: stock can now authenticate (client_secret_basic), and so fetch and introspect',
    ],
    [
      'another secret',
      [['secret_env: BATCH', 'secret_env: OTHER']],
      'widens auth: batch authenticates by client_secret_basic (env OTHER), not by client_secret_basic (env BATCH)',
    ],
    [
      'a grant less',
      [['grants: [client_credentials, token_exchange]', 'grants: [token_exchange]']],
      'narrows grants: web may no longer use the grant client_credentials',
    ],
    [
      'a condition less',
      [[', when: { order: { role: [buyer] } }', '']],
      'widens condition: web gets front:order whatever the role of the subject is',
    ],
    [
      'a condition that more meet',
      [['role: [buyer]', 'role: [buyer, guest]']],
      'widens condition: web gets front:order now also for subjects whose role is "guest"',
    ],
    [
      'a default scope less',
      [['    default_scopes: [browse]\n', '']],
      'narrows default-scopes: web no longer gets browse without asking for it',
    ],
    [
      'an opaque client',
      [['    subjects: [login]', '    token: opaque\n    subjects: [login]']],
      'narrows token-form: web now gets an opaque reference, not the token',
    ],
    [
      'a bound client',
      [['secret_env: BATCH }', 'secret_env: BATCH }\n    dpop_bound_access_tokens: true']],
      'narrows binding: the tokens of batch are now bound to a DPoP key',
    ],
    [
      'a gateway less',
      [['introspect: [front]', 'introspect: [stock]']],
      'widens introspect: edge may now introspect and swap the root tokens for stock',
    ],
    [
      'another provider',
      [["issuer: 'https://login.shop.example'", "issuer: 'https://id.example'"]],
      'widens provider: the issuer of login is https://id.example, not https://login.shop.example',
    ],
    [
      'delegated tokens of a provider',
      [["audience: 'https://shop.example' }", "audience: 'https://shop.example', act: ignore }"]],
      "widens provider: a delegated token of login (with `act`) counts as its user's own",
    ],
    [
      'another algorithm',
      [['lifetime: 5m }', 'lifetime: 5m, signing: RS256 }']],
      'neutral signing: tokens are signed with RS256, not with ES256',
    ],
    [
      'trees that are handed out again',
      [['lifetime: 5m }', 'lifetime: 5m, reuse: 30s }']],
      "neutral reuse: a client's tree is given to it again for up to 30 s",
    ],
    [
      'packed trees',
      [['lifetime: 5m }', 'lifetime: 5m, encoding: packed }']],
      'neutral encoding: trees travel packed, not nested',
    ],
    [
      'operations',
      [['[GET /items]', "['GET /items/{id}']"]],
      'neutral operations: catalog:read now covers GET /items/{id}, and no longer covers GET /items',
    ],
    [
      'a new client',
      [
        [
          '  batch:',
          '  cron: { auth: { method: client_secret_basic, secret_env: CRON }, calls: { stock: [count] } }\n  batch:',
        ],
      ],
      'widens scope: cron is new, and may ask for stock:count',
    ],
  ];
  for (const [title, edits, said] of cases) {
    it(`reports ${title}`, () => {
      const result = diff(...edits);
      expect(told(result)).to.include(said);
      expect(result.verdict).to.equal(result.changes[0]?.mark);
    });
  }

  it('reports that trees are no longer reused', () => {
    const reusing = shop.replace('lifetime: 5m }', 'lifetime: 5m, reuse: 30s }');
    expect(told(diffGraphs(planOf(reusing), planOf(shop)))).to.deep.equal([
      "neutral reuse: a client's tree is made anew for each request",
    ]);
  });

  it('gives the place of a change', () => {
    const [change] = diff(['stock: [reserve]', 'stock: [reserve, count]']).changes;
    expect(change?.place).to.match(/graph\.yaml:37:18$/);
  });

  it('narrows where a list of parties under `callers` or `through` gets shorter, and widens where it gets longer', () => {
    const graph = (callers: string, through: string) =>
      planOf(
        shop
          .replace('callers: [front]', `callers: [${callers}]`)
          .replace('count: {}', `count: { through: [${through}] }`),
      );
    const changes = (older: Plan, newer: Plan) => told(diffGraphs(older, newer));
    const [wide, small] = [graph('front, batch, edge', 'batch, edge'), graph('front', 'batch')];
    expect(changes(small, wide)).to.deep.equal([
      'widens callers: stock:reserve may now be called by batch and edge',
      'widens through: a chain of calls to stock:count now goes through batch and edge',
    ]);
    expect(changes(wide, small)).to.deep.equal([
      'narrows callers: stock:reserve may no longer be called by batch and edge',
      'narrows through: a chain of calls to stock:count now goes through batch',
    ]);
    expect(changes(graph('front, batch', 'batch'), graph('batch, front', 'batch'))).to.deep.equal([]);
  });

  it('lists what a client now reaches, also through other services', () => {
    const { effects } = diff(['stock: [count]', 'front: [order]']);
    expect(effects.reach).to.deep.equal([
      {
        mark: 'widens',
        client: 'batch',
        added: ['front:order', 'stock:reserve'],
        removed: ['stock:count'],
      },
    ]);
  });

  it('counts tokens and bytes of the requests that both graphs grant', () => {
    const { effects } = diff(['calls: { catalog: [read] }', 'calls: { catalog: [read], stock: [count] }']);
    const browse = effects.requests.find(
      ({ client, scopes }) => client === 'web' && scopes.join() === 'browse',
    );
    expect(browse).to.deep.include({
      mark: 'widens',
      tokens: { older: 2, newer: 4 },
      depth: { older: 2, newer: 3 },
    });
    const added = browse?.hops.find(({ path }) => path.join() === 'web,front,stock');
    expect(added?.older).to.equal(undefined);
    expect(added?.newer?.bytes).to.be.above(400);
  });

  it('reports a hop whose token no longer fits', () => {
    const overflow = ['lifetime: 5m }', 'lifetime: 5m, overflow: exchange }'] as const;
    const wide = shop.replace(...overflow);
    const tight = wide.replace('  front:\n', '  front:\n    headers: { max_line: 2500B }\n');
    const { changes } = diffGraphs(planOf(wide), planOf(tight));
    expect(changes.map(({ mark, kind }) => `${mark} ${kind}`)).to.deep.equal([
      'narrows overflow',
      'narrows overflow',
    ]);
    expect(diffGraphs(planOf(tight), planOf(wide)).verdict).to.equal('widens');
  });
});

describe('eshop-on-containers with a widening planted', () => {
  const file = new URL('../../../graphs/eshop-on-containers.yaml', import.meta.url);
  const base = readFileSync(file, 'utf8')
    .replace('\nclients:\n', '\nclaims: { region: { value: eu } }\n\nclients:\n')
    .replace(
      '    owner: team-web\n',
      '    owner: team-web\n    claims: [region]\n    auth: { method: client_secret_basic, secret_env: A }\n',
    )
    .replace(
      '    owner: team-mobile\n',
      '    owner: team-mobile\n    auth: { method: client_secret_basic, secret_env: B }\n',
    )
    .replace('catalog-api: [catalog:read]', 'catalog-api: { scopes: [catalog:read], mode: exchange }');
  const planted: Readonly<Record<string, readonly [from: string, to: string, said: readonly string[]]>> = {
    claim: [
      'operations: [/BasketApi.Basket/GetBasketById]',
      'operations: [/BasketApi.Basket/GetBasketById]\n        claims: [region]',
      ['basket-api:basket:read now carries the claim region'],
    ],
    scope: [
      'basket-api: [basket:read, basket:write]',
      'basket-api: [basket, basket:read, basket:write]',
      [
        'webshoppingagg:webshoppingagg now asks basket-api for basket',
        'mobileshoppingagg:mobileshoppingagg now asks basket-api for basket',
      ],
    ],
    mode: [
      'catalog-api: { scopes: [catalog:read], mode: exchange }',
      'catalog-api: [catalog:read]',
      [
        'webshoppingagg:webshoppingagg now calls catalog-api by embed, not exchange',
        'mobileshoppingagg:mobileshoppingagg now calls catalog-api by embed, not exchange',
      ],
    ],
  };
  const plant = (text: string, kind: string): string => {
    const [from = '', to = ''] = planted[kind] ?? [];
    expect(text, from).to.include(from);
    return text.replace(from, to);
  };
  const widenings = (text: string): string[] => {
    const { changes } = diffGraphs(planOf(base), planOf(text));
    expect(changes.every(({ mark }) => mark === 'widens')).to.equal(true);
    return changes.map(({ what }) => what);
  };

  for (const [kind, [, , said]] of Object.entries(planted)) {
    it(`finds the ${kind} and nothing else`, () => {
      expect(widenings(plant(base, kind))).to.have.members(said);
    });
  }

  it('finds all three beside one another and nothing else (threat 18)', () => {
    const all = Object.keys(planted).reduce(plant, base);
    expect(widenings(all)).to.have.members(Object.values(planted).flatMap(([, , said]) => said));
  });

  describe('says of a claim of the request', () => {
    const graph = (claim: string): string =>
      shop
        .replace('  region: { value: eu }', `  region: { value: eu }\n  amount: { ${claim} }`)
        .replace('claims: [email]', 'claims: [email, amount]');
    const INT = 'from: request, type: int';
    const EUR = 'from: request, type: string, values: [EUR, USD]';
    for (const [title, before, after, expected] of [
      [
        'another setter',
        INT,
        `${INT}, set_by: gateway`,
        'widens claim-source: the claim amount is set by the gateway of a request, not set by the client of a request',
      ],
      [
        'another source',
        INT,
        'from: subject, type: int',
        'widens claim-source: the claim amount is amount of the subject, not set by the client of a request',
      ],
      [
        'a larger bound',
        `${INT}, max_bytes: 4`,
        INT,
        'widens claim-bound: a value of the claim amount has at most 17 bytes, not 4',
      ],
      [
        'another type',
        INT,
        'from: request, type: string, max_bytes: 17',
        'widens claim-type: a value of the claim amount is of the type string, not int',
      ],
      [
        'more values',
        EUR,
        EUR.replace('USD', 'USD, GBP'),
        'widens claim-type: a value of the claim amount may now be "GBP"',
      ],
      [
        'fewer values',
        EUR,
        EUR.replace(', USD', ''),
        'narrows claim-type: a value of the claim amount may no longer be "USD"',
      ],
      [
        'any value',
        EUR,
        'from: request, type: string, max_bytes: 3',
        'widens claim-type: a value of the claim amount is no longer one of a list',
      ],
      [
        'listed values',
        'from: request, type: string, max_bytes: 3',
        EUR,
        'narrows claim-type: a value of the claim amount is now one of "EUR" and "USD"',
      ],
    ] as const)
      it(title, () => {
        expect(told(diffGraphs(planOf(graph(before)), planOf(graph(after))))).to.deep.equal([expected]);
      });

    it('that it is new, or gone, as of any other', () => {
      const [without, has] = [planOf(shop), planOf(graph(INT))];
      expect(told(diffGraphs(without, has)).join()).to.match(/^widens claim: [^,]* amount/);
      expect(told(diffGraphs(has, without)).join()).to.match(/^narrows claim: [^,]* amount/);
    });
  });
});

describe('the comparison of last days', () => {
  const until = (...days: readonly (string | undefined)[]) => {
    const [was, is] = days.map((day) => {
      const call = day === undefined ? '[reserve]' : `{ scopes: [reserve], until: ${day} }`;
      return planOf(shop.replace('stock: [reserve]', `stock: ${call}`));
    });
    return told(diffGraphs(was!, is!));
  };

  it('narrows where the day is earlier', () => {
    expect(until('2999-01-31', '2998-01-31')).to.deep.equal([
      'narrows until: front:order calls stock:reserve until 2998-01-31, not 2999-01-31',
    ]);
  });

  it('widens where the day is later, or gone', () => {
    expect(until('2998-01-31', '2999-01-31')).to.deep.equal([
      'widens until: front:order calls stock:reserve until 2999-01-31, not 2998-01-31',
    ]);
    expect(until('2999-01-31', undefined)).to.deep.equal([
      'widens until: front:order calls stock:reserve without an end, not until 2999-01-31',
    ]);
  });

  it('says that a call is new where it had ended', () => {
    expect(until('2020-01-31', '2999-01-31')).to.deep.equal([
      'widens call: front:order now calls stock:reserve (embed)',
    ]);
    expect(until('2020-01-31', '2020-02-29')).to.deep.equal([]);
  });
});

describe('the comparison of sealed calls', () => {
  const KEYS = 'encryption: { jwks_file: stock.jwks }';
  const sealed = ({ call = '', keys = KEYS, all = '', client = '' }): ReturnType<typeof planOf> =>
    planOf(
      shop
        .replace('stock: [reserve]', `stock: { scopes: [reserve]${call} }`)
        .replace('stock: [count]', `stock: { scopes: [count]${client} }`)
        .replace('  stock:\n', `  stock:\n    ${keys}\n    ${all}\n`),
    );
  const seal = ', seal: true';

  it('narrows where a seal is added and widens where it is gone, be it by the callee for all its callers', () => {
    const [open, closed] = [sealed({}), sealed({ call: seal })];
    expect(told(diffGraphs(open, closed))).to.deep.equal([
      'narrows seal: front:order now seals the token for stock',
    ]);
    expect(told(diffGraphs(closed, open))).to.deep.equal([
      'widens seal: front:order no longer seals the token for stock',
    ]);
    expect(told(diffGraphs(open, sealed({ all: 'seal: true' })))).to.deep.equal([
      'narrows seal: the tokens of batch for stock are now sealed',
      'narrows seal: front:order now seals the token for stock',
    ]);
    expect(diffGraphs(sealed({ client: seal }), open).verdict).to.equal('widens');
  });

  it('widens where tokens are sealed to other keys, and says to which', () => {
    const [was, is] = [sealed({ call: seal }), sealed({ call: seal, keys: KEYS.replace('stock.', 'new.') })];
    expect(told(diffGraphs(was, is))).to.deep.equal([
      'widens encryption: what is sealed to stock is sealed to the keys of file new.jwks, not of file stock.jwks',
    ]);
    const thumbprints = { older: new Map([['stock', 'old-one']]), newer: new Map([['stock', 'new-one']]) };
    expect(told(diffGraphs(was, was, thumbprints))).to.deep.equal([
      'widens encryption: tokens for stock are sealed to the key new-one, not to old-one',
    ]);
    expect(told(diffGraphs(was, was, { older: thumbprints.older, newer: thumbprints.older }))).to.deep.equal(
      [],
    );
    // Nothing is sealed to it yet.
    expect(told(diffGraphs(planOf(shop), sealed({})))).to.deep.equal([
      'neutral encryption: tokens for stock can now be sealed (file stock.jwks)',
    ]);
  });
});
