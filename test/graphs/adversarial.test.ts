/**
 * Attacks on one of the systems under `graphs/systems`, and what catches each: a finding, a test beside the graph, a
 * comparison, or the issuer.
 */
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { runTests } from '../../src/architect/assertions/index.ts';
import { diffGraphs, type Change } from '../../src/architect/diff/index.ts';
import type { Finding, Plan } from '../../src/graph/index.ts';
import type { Issuer } from '../../src/issuer/index.ts';
import { failure } from '../support/failure.ts';
import { removeScratch, scratchFile, type Files } from '../support/files.ts';
import {
  DAY,
  compileSystem,
  edited,
  keyFilesOf,
  filesOfSystem,
  type Edit,
  type SystemOptions,
} from '../support/graphs/systems.ts';
import { pair } from '../support/issuer/keyed.ts';
import type { Payload } from '../support/issuer/trees.ts';
import { clientOf, exchange, issuerFor } from '../support/issuer/issue.ts';
import { testCa } from '../support/keys/certificates.ts';
import { sealKeyPair } from '../support/keys/seal-keys.ts';
import { run } from '../support/program.ts';

const PAYMENTS = filesOfSystem('payments');
const PROD: SystemOptions = { variables: { domain: 'paycorp.example' }, overlays: ['env/prod.yaml'] };

/** The system's issuer, with the key files that the graph names. */
async function paymentsIssuer(plan: Plan, clock: () => number): Promise<Issuer> {
  const [vault, signer] = await Promise.all([sealKeyPair('v1'), pair('ES256', 's1')]);
  return issuerFor(plan, clock, {
    encryptionKeys: new Map([['vault', vault.jwks]]),
    keySets: keyFilesOf(plan, testCa('paycorp.example'), signer.publicJwk),
  });
}

function planOf(files: Files, options: SystemOptions = PROD): Plan {
  return compileSystem(files, options, ({ plan, findings }) => {
    if (!plan) throw new Error(findings.map(({ message }) => message).join('\n'));
    return plan;
  });
}

const BASE = planOf(PAYMENTS);

/** What the attacked graph is reported for; each of its other findings is one of the graph as it ships. */
function findingsOf(edits: readonly Edit[], options: SystemOptions = PROD): readonly Finding[] {
  return compileSystem(edited(PAYMENTS, edits), options, ({ findings }) => findings);
}

function expectFinding(code: string, edits: readonly Edit[], options: SystemOptions = PROD): void {
  const codes = findingsOf(edits, options).map((finding) => finding.code);
  expect(codes).to.include(code);
}

/** The changes that widen authority, as a reviewer sees them. */
function widened(edits: readonly Edit[], options: SystemOptions = PROD): readonly string[] {
  const { changes } = diffGraphs(BASE, planOf(edited(PAYMENTS, edits), options));
  const widens = changes.filter(({ mark }: Change) => mark === 'widens');
  return widens.map(({ party, what }) => ('name' in party ? `${party.name}: ${what}` : what));
}

function expectWidened(says: RegExp, edits: readonly Edit[], options: SystemOptions = PROD): void {
  expect(widened(edits, options).join('\n')).to.match(says);
}

/** The tests of the attacked graph that fail. */
function failing(edits: readonly Edit[], options: SystemOptions = PROD): readonly string[] {
  return compileSystem(edited(PAYMENTS, edits), options, ({ draft, findings }, paths) => {
    if (!draft) throw new Error(findings.map(({ message }) => message).join('\n'));
    const { results } = runTests(draft, paths);
    expect(results).to.have.lengthOf.above(4);
    return results.filter(({ holds }) => !holds).map(({ test }) => test);
  });
}

/** A test of a request, added to those of the graph. */
function holds(test: string, edits: readonly Edit[] = []): boolean {
  const files = { ...edited(PAYMENTS, edits), 'more.test.yaml': `waybill: 1\ntests:\n  - ${test}\n` };
  return compileSystem(files, PROD, ({ plan }, paths) => {
    const { results, findings } = runTests(plan!, paths);
    expect(findings).to.deep.equal([]);
    const own = results.find(({ test: name }) => name === 'attack');
    expect(own).to.not.equal(undefined);
    return own!.holds;
  });
}

/** The bank's call asks for a posting of its own amount, small ones alone, until a day. */
const POSTING: readonly Edit[] = [
  [
    'team-payments.yaml',
    '        callers: [bank-hooks]\n        calls: { ledger: { scopes: [entry:post], mode: exchange }',
    '        callers: [bank-hooks]\n        claims: [amount!, currency!]\n        calls: { ledger: { scopes: [entry:post], mode: exchange, when: request.amount <= 100, until: 2027-06-30 }',
  ],
  [
    'company.yaml',
    '    token: opaque\n    calls: { payment: [return:notify] }',
    '    zone: core\n    calls: { payment: [return:notify] }',
  ],
];

/** What the bank's call brings to `payment`. */
async function notified(issuer: Issuer, amount: number): Promise<string> {
  const request = { scopes: ['return:notify'], request: { amount, currency: 'EUR' } };
  return (await issuer.issue(clientOf(issuer.plan, 'bank-hooks'), request)).token;
}

async function posting(issuer: Issuer, token: string): Promise<Payload> {
  return decodeJwt<Payload>((await exchange(issuer, 'payment', token, { audiences: ['ledger'] })).token);
}

describe('Attacks on the payments system', () => {
  after(removeScratch);

  it('begin with a graph that has no findings and whose tests hold', () => {
    expect(findingsOf([])).to.deep.equal([]);
    expect(failing([])).to.deep.equal([]);
  });

  describe('through overlays', () => {
    const overlaid = (more: string): Edit => ['env/prod.yaml', 'accepted:\n', `${more}\naccepted:\n`];

    it('what runs is more than the reviewed base: the overlay weakens the guard of a refund', () => {
      expectFinding('overlay-widens', [
        overlaid('services: { payment: { scopes: { refund:small: { when: staff } } } }'),
      ]);
    });

    it('what runs is more than the reviewed base: the overlay makes tokens live longer', () => {
      expectFinding('overlay-widens', [
        ['env/prod.yaml', '  pci: { via:', '  pci: { defaults: { lifetime: 1h }, via:'],
      ]);
    });

    it('an overlay that lies in the folder is not applied', () => {
      const hidden = {
        ...PAYMENTS,
        'later.yaml':
          'waybill: 1\noverlay: true\nservices: { payment: { scopes: { charge: { when: strong } } } }\n',
      };
      expect(planOf(hidden).digest).to.equal(BASE.digest);
      expect(planOf(hidden, { ...PROD, overlays: ['env/prod.yaml', 'later.yaml'] }).digest).to.not.equal(
        BASE.digest,
      );
    });

    it('a misspelt name adds nothing', () => {
      expectFinding('overlay-unmatched', [overlaid('services: { paymnet: { lifetime: 1h } }')]);
      expectFinding('overlay-unmatched', [
        overlaid('services: { risk: { scopes: { assess: { calls: { payment: [charge] } } } } }'),
      ]);
    });
  });

  describe('through variables', () => {
    it('a command line grants a scope that nobody reviewed', () => {
      expectFinding('variable-value', [], {
        ...PROD,
        variables: { ...PROD.variables, refund_limit_scope: 'charge' },
      });
    });

    it('a variable that decides authority takes any value', () => {
      expectFinding('open-variable', [['company.yaml', 'one_of: [refund, refund:small], ', '']]);
    });

    it('a value is YAML: it adds no client', () => {
      const value = "paycorp.example'\nclients: { evil: { calls: { vault: [card:read] } } }\n#";
      const options = { ...PROD, variables: { domain: value } };
      const { draft, findings } = compileSystem(PAYMENTS, options, (compiled) => compiled);
      expect([...(draft?.clients.keys() ?? [])]).to.not.include('evil');
      expect(findings.some(({ severity }) => severity === 'error')).to.equal(true);
    });

    it('a value names another login server: the digest is another, and the comparison says who vouches now', () => {
      const other = { ...PROD, variables: { domain: 'evil.example' } };
      expect(planOf(PAYMENTS, other).digest).to.not.equal(BASE.digest);
      expectWidened(/login\.evil\.example/, [], other);
    });
  });

  describe('through selectors', () => {
    it('a team labels itself into a list of callers', () => {
      expectFinding('self-selected', [
        ['team-orders.yaml', 'claims: [email] }', 'claims: [email], callers: [{ label: { kind: agent } }] }'],
      ]);
    });

    it('a team takes the name of another team as its own', () => {
      expectFinding('owner-outside-path', [
        ['team-orders.yaml', '  risk:\n    owner: team-orders', '  risk:\n    owner: team-payments'],
      ]);
    });

    it('a team moves its service into the zone of another', () => {
      expectFinding('zone-closed', [
        [
          'team-orders.yaml',
          '  risk:\n    owner: team-orders',
          '  risk:\n    owner: team-orders\n    zone: pci',
        ],
      ]);
    });

    it('who is among the callers and declares the call shows in the comparison', () => {
      expectWidened(/^risk: .*notify:mail:send/m, [
        [
          'team-orders.yaml',
          '        calls:\n          scorer:',
          '        calls:\n          notify: [mail:send]\n          scorer:',
        ],
      ]);
    });

    it('who is not among the callers cannot declare the call', () => {
      expectFinding('caller-not-listed', [
        [
          'team-orders.yaml',
          '        calls:\n          scorer:',
          '        calls:\n          payment: [charge]\n          scorer:',
        ],
      ]);
    });

    it('a chain without the support page leads to a refund', () => {
      expectFinding('chain-not-listed', [
        ['company.yaml', 'bff: [browse, pay] }', 'bff: [browse, pay], support-api: [case:refund] }'],
      ]);
    });
  });

  describe('through templates', () => {
    it('two services get one audience', () => {
      expectFinding('duplicate-audience', [
        [
          'team-payments.yaml',
          '  ledger:\n',
          '  ledger:\n    audience: https://{label.as}.${domain}\n    labels: { as: payment }\n',
        ],
      ]);
    });

    it('a label puts a path or a port into an address', () => {
      for (const value of ['evil.example/x', 'evil.example:444'])
        expectFinding('invalid-value', [
          ['team-payments.yaml', '  ledger:\n', `  ledger:\n    labels: { as: '${value}' }\n`],
        ]);
    });
  });

  describe('through several names of one service', () => {
    it('the key of another deployment speaks for payment', () => {
      expectWidened(/^payment: .*spiffe:\/\/paycorp\.example\/core\/risk-2/m, [
        [
          'team-payments.yaml',
          '  payment:\n',
          "  payment:\n    identity: ['spiffe://${trust}/pci/payment', 'spiffe://${trust}/core/risk-2']\n",
        ],
      ]);
    });

    it('a checker that knows one name for each service takes the first alone: the second stands beside it', async () => {
      const names = ['spiffe://paycorp.example/pci/payment', 'spiffe://paycorp.example/pci/payment-2'];
      const canary: Edit = [
        'team-payments.yaml',
        '  payment:\n',
        "  payment:\n    identity: ['spiffe://${trust}/pci/payment', 'spiffe://${trust}/pci/payment-2']\n",
      ];
      const issuer = await paymentsIssuer(planOf(edited(PAYMENTS, [...POSTING, canary])), () => DAY);
      const { act } = await posting(issuer, await notified(issuer, 1));
      expect(act).to.deep.equal({ sub: names[0], also: [names[1]], act: { sub: 'bank-hooks' } });
    });

    it('a service takes the name of another as its second one', () => {
      expectFinding('duplicate-identity', [
        [
          'team-orders.yaml',
          '  risk:\n',
          "  risk:\n    identity: ['spiffe://${trust}/core/risk', 'spiffe://${trust}/core/orders']\n",
        ],
      ]);
    });

    it('a service takes the address of another as its second one', () => {
      expectFinding('duplicate-audience', [
        [
          'team-orders.yaml',
          '  risk:\n',
          "  risk:\n    audience: ['https://risk.${domain}', 'https://payment.${domain}']\n",
        ],
      ]);
    });
  });

  describe('through conditions', () => {
    const support = (more: string): string =>
      `{ test: attack, request: { client: support-ui, scope: 'case:refund', ${more}, request: { amount: 1, currency: EUR } }`;

    it('a fact is missing: it holds nowhere, not even negated', () => {
      const negated: Edit = ['company.yaml', '"support" in subject.role', '!("guest" in subject.role)'];
      const expected = ', expect: { error: invalid_scope } }';
      expect(holds(support('subject: { provider: workforce, sub: s }') + expected)).to.equal(true);
      expect(holds(support('subject: { provider: workforce, sub: s }') + expected, [negated])).to.equal(true);
      const has = support('subject: { provider: workforce, sub: s, role: [other] }') + expected;
      expect([holds(has), holds(has, [negated])]).to.deep.equal([true, false]);
    });

    it('a provider of customers says support', () => {
      const weak: readonly Edit[] = [
        ['company.yaml', 'staff: provider == "workforce" && "support" in', 'staff: \'"support" in'],
        ['company.yaml', 'subject.role\n  customer', "subject.role'\n  customer"],
        ['company.yaml', 'subjects: [workforce]', 'subjects: [workforce, consumers]'],
      ];
      expectFinding('ambiguous-provider', weak);
      const asked =
        support('subject: { provider: consumers, sub: c, role: [support] }') +
        ', expect: { error: invalid_scope } }';
      expect(holds(asked, [weak[2]!])).to.equal(true);
      expect(holds(asked, weak)).to.equal(false);
    });

    it('a guard loses one of its parts', () => {
      expectWidened(/^payment: .*auth\.acr/m, [
        [
          'team-payments.yaml',
          'staff && strong && request.amount <= 5000\n',
          'staff && request.amount <= 5000\n',
        ],
      ]);
    });

    it('a parallel call has no guard: the one of the owner holds, and the new call widens', () => {
      const parallel: readonly Edit[] = [
        ['company.yaml', 'bff: [browse, pay] }', 'bff: [browse, pay, account:close] }'],
      ];
      expectWidened(/^mobile: .*account:close/m, parallel);
      const closed =
        "{ test: attack, request: { client: mobile, scope: 'account:close', subject: { provider: consumers, sub: c } }, expect: { absent: [bff/customers], scope: ['account:close'] } }";
      expect(holds(closed, parallel)).to.equal(true);
    });

    it('an exchange after the graph says otherwise: what was decided when the tree began holds', async () => {
      const issuer = await paymentsIssuer(planOf(edited(PAYMENTS, POSTING)), () => DAY);
      const [small, large] = [await notified(issuer, 100), await notified(issuer, 101)];
      expect((await posting(issuer, small)).scope).to.equal('entry:post');
      await failure('invalid_target', () => posting(issuer, large));
      const open = POSTING.map(([file, from, to]): Edit => [file, from, to.replace('<= 100,', '<= 1000,')]);
      const later = await paymentsIssuer(planOf(edited(PAYMENTS, open)), () => DAY);
      await failure('invalid_target', () => posting(later, large));
    });

    it('an expression is costly', () => {
      const conditions = [
        'subject.role.exists(a, subject.role.exists(b, a == b))',
        'subject.role.all(r, r.matches("(a+)+$"))',
        `subject.role == [${'"a", '.repeat(65)}"b"]`,
        Array.from({ length: 200 }, () => '"a" in subject.role').join(' || '),
      ];
      for (const condition of conditions) {
        const codes = findingsOf([
          ['company.yaml', '  customer: provider == "consumers"', `  customer: '${condition}'`],
        ]).map(({ code }) => code);
        expect(codes, condition.slice(0, 60)).to.satisfy((found: readonly string[]) =>
          found.some((code) => code === 'condition-unsupported' || code === 'condition-syntax'),
        );
      }
    });
  });

  describe("through the request's context", () => {
    it('the client lies about the amount: the service that the amount guards must see it', () => {
      expectFinding('condition-not-carried', [
        [
          'team-payments.yaml',
          '        claims: [amount!, currency!, plan]',
          '        claims: [currency!, plan]',
        ],
      ]);
    });

    it('the address of a user goes to where cards are', () => {
      expectFinding('claim-outside-zone', [
        [
          'team-payments.yaml',
          'claims: [amount!, currency!, plan]',
          'claims: [amount!, currency!, plan, ip]',
        ],
      ]);
    });

    it('a client sets what only a gateway knows, or what the graph does not know', async () => {
      const issuer = await paymentsIssuer(BASE, () => DAY);
      for (const request of [{ ip: '10.0.0.1' }, { role: ['support'] }, { amount: '1' }]) {
        await failure('invalid_request', () => issuer.issue(clientOf(BASE, 'bank-hooks'), { request }));
      }
      const { token } = await issuer.issue(clientOf(BASE, 'bank-hooks'), { scopes: ['return:notify'] });
      expect(token).to.match(/^wbo_/);
    });

    it('two trees of one client: each exchange has the values and the number of its own', async () => {
      const issuer = await paymentsIssuer(planOf(edited(PAYMENTS, POSTING)), () => DAY);
      const trees = await Promise.all([7, 70].map(async (amount) => notified(issuer, amount)));
      for (const at of [0, 1, 0]) {
        const { txn, amount } = await posting(issuer, trees[at]!);
        expect([txn, amount]).to.deep.equal([decodeJwt(trees[at]!)['txn'], [7, 70][at]]);
      }
      expect(decodeJwt(trees[0]!)['txn']).to.not.equal(decodeJwt(trees[1]!)['txn']);
    });

    it('a claim moves from the gateway to the client', () => {
      expectWidened(/ip/, [['company.yaml', 'set_by: gateway, ', '']]);
    });
  });

  describe('through the end of a call', () => {
    const after = Date.UTC(2027, 6, 1) / 1_000;

    it('after its day it is gone, in findings and in the plan', () => {
      expectFinding('call-ended', [], { ...PROD, now: after });
      const { services } = planOf(PAYMENTS, { ...PROD, now: after });
      expect(services.get('risk')?.scopes.get('assess')?.calls).to.deep.equal([]);
    });

    it('a clock is set back: only that of the issuer counts, and a token from before dies in minutes', async () => {
      let now = after - 86_400 * 2;
      const plan = planOf(PAYMENTS, { ...PROD, now });
      const issuer = await paymentsIssuer(plan, () => now);
      const calls = (): readonly string[] =>
        issuer.plan.services
          .get('risk')
          ?.scopes.get('assess')
          ?.calls.map(({ callee }) => callee) ?? [];
      expect(calls()).to.deep.equal(['scorer']);
      now = after;
      expect(calls()).to.deep.equal([]);
      expect(plan.issuer.lifetime).to.be.at.most(300);
    });
  });

  describe('through an exchange around the end of a call', () => {
    it('of a token from before it is refused from the first second on, and stays refused where the clock goes back', async () => {
      const end = Date.UTC(2027, 6, 1) / 1_000;
      let now = end - 60;
      const issuer = await paymentsIssuer(planOf(edited(PAYMENTS, POSTING), { ...PROD, now }), () => now);
      const token = await notified(issuer, 1);
      now = end - 1;
      expect((await posting(issuer, token)).scope).to.equal('entry:post');
      now = end;
      await failure('invalid_target', () => posting(issuer, token));
      now = end - 1;
      await failure('invalid_target', () => posting(issuer, token));
    });
  });

  describe('through lineage', () => {
    it('a chain gets longer than the graph allows', () => {
      expectFinding('too-deep', [
        ['company.yaml', '  lineage: full\n', '  lineage: full\n  limits: { depth: 2 }\n'],
      ]);
    });

    it('a service takes the name of a client', () => {
      expectFinding('duplicate-identity', [['team-payments.yaml', 'identity: scorer', 'identity: mobile']]);
    });

    it('a partner learns how a payment came to it: the chain begins anew at the border', () => {
      const asked = (mode: string, chain: string): string =>
        `{ test: attack, request: { client: mobile, scope: pay, subject: { provider: consumers, sub: c, email: a@b.c }, request: { amount: 1, currency: EUR } }, expect: { tokens: { bff/risk/scorer: { mode: ${mode}, chain: [${chain}] } } } }`;
      expect(holds(asked('exchange', 'risk'))).to.equal(true);
      const inside: readonly Edit[] = [['company.yaml', '    external: true\n', '']];
      expect(holds(asked('exchange', 'risk'), inside)).to.equal(false);
      expect(holds(asked('exchange', 'risk, bff, mobile'), inside)).to.equal(true);
    });

    it('the lineage that services check is cut short', () => {
      expectWidened(/lineage|names? (only|its|the)/i, [['company.yaml', 'lineage: full', 'lineage: caller']]);
    });
  });

  describe('through sealing', () => {
    it('the key of the vault is not there: nothing is issued in place of a sealed token', async () => {
      const keySets = keyFilesOf(BASE, testCa('paycorp.example'), (await pair('ES256', 's1')).publicJwk);
      await failure('keys_missing', () => issuerFor(BASE, () => DAY, { keySets }));
    });

    it('another key file for the vault shows in the comparison', () => {
      expectWidened(/^vault: .*keys\/other\.jwks/m, [
        ['team-payments.yaml', 'keys/vault.enc.jwks', 'keys/other.jwks'],
      ]);
    });

    it('another key in the same file shows in the comparison, with both thumbprints', () => {
      const [older, newer] = [new Map([['vault', 'ours']]), new Map([['vault', 'theirs']])];
      const { verdict, changes } = diffGraphs(BASE, BASE, { older, newer });
      expect(changes.map(({ what }) => what)).to.deep.equal([
        'tokens for vault are sealed to the key theirs, not to ours',
      ]);
      expect(verdict).to.equal('widens');
    });

    it('the seal is taken off', () => {
      const bare: readonly Edit[] = [
        [
          'team-payments.yaml',
          '    seal: true # the services before it carry its tokens and read nothing in them\n',
          '',
        ],
      ];
      expectFinding('claim-outside-zone', bare);
      expect(failing(bare)).to.include('only the vault reads ssn');
    });
  });

  describe('on the gate itself', () => {
    it('tests that are not there pass nothing', async () => {
      const file = scratchFile('graph.yaml', String(edited({ g: HELLO }, [])['g']));
      const { code } = await run(['test', file]);
      expect(code).to.equal(2);
    });

    it('a test of a scope that nobody reaches any more does not hold', () => {
      expect(
        failing([
          ['payments.test.yaml', '    may_be_empty: true # an environment has one of the two scopes\n', ''],
        ]),
      ).to.deep.equal(['refunds begin at the support page']);
    });
  });
});

const HELLO = `waybill: 1
name: hello
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { greeter: [greet] } }
services:
  greeter: { caller: none, scopes: { greet: {} } }
`;
