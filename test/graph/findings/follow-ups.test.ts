import { expect } from 'chai';
import { Findings, SourceText, type FindingCode } from '../../../src/graph/index.ts';
import { parseYaml, type Node } from '../../../src/graph/load/yaml.ts';
import { compileText } from '../../support/compile.ts';

/** Nothing is found in it, and everything that a typo can reach depends on something else. */
const SOUND = `waybill: 1
name: shop
vars: { domain: shop.example }
issuer: { url: 'https://tokens.\${domain}', lifetime: 5m, reuse: 30s }
subjects:
  login: { issuer: 'https://login.\${domain}', audience: 'https://\${domain}' }
zones: { mesh: { via: [istio] }, edge: { via: [nginx] } }
claims:
  email: { from: subject, zones: [mesh, edge], max_bytes: 64 }
  tier: { from: client, max_bytes: 16 }
  region: { value: eu }
defaults:
  audience: 'https://{name}.\${domain}'
  identity: 'spiffe://\${domain}/{name}'
  zone: mesh
  caller: mtls
  headers: { profile: envoy, reserve: 2KiB }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    grants: [client_credentials, token_exchange]
    subjects: [login]
    token: opaque
    zone: edge
    default_scopes: [browse]
    claims: { tier: gold }
    calls:
      front: { scopes: [browse, order], when: { order: { role: [buyer] } } }
  gate:
    auth: { method: client_secret_basic, secret_env: GATE_SECRET }
    zone: edge
    introspect: [front]
    calls: { ads: [show] }
    claims: { tier: gold }
services:
  front:
    headers: { profile: node }
    auth: { method: private_key_jwt, jwks_file: keys/front.jwks }
    scopes:
      browse: { calls: { stock: { scopes: [read], mode: exchange }, ads: { scopes: [show], mode: exchange } } }
      order: { claims: [email!], calls: { payment: [charge], bus: { mode: none } } }
  stock: { claims: [tier!], scopes: { read: { calls: { prices: { scopes: [list], mode: forward } } } } }
  prices: { caller: none, accepts_forward: [stock], claims: [tier], scopes: { list: } }
  ads: { scopes: { show: } }
  payment: { claims: [region], scopes: { charge: { callers: [front] } } }
`;

/** What a typo itself is; every other kind could only follow from it. */
const OWN: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'unknown-key',
  'missing-key',
  'wrong-type',
  'invalid-value',
  'unknown-service',
  'unknown-scope',
  'unknown-claim',
  'unknown-zone',
  'unknown-caller',
  'unknown-profile',
  'unknown-subject',
  'undefined-variable',
  'issuer-url',
  'subject-url',
]);

interface Result {
  readonly found: readonly string[];
  readonly leftOut: readonly FindingCode[];
}

/** @param at which occurrence of the text has the typo. */
function withTypo(right: string, wrong: string, at = 0): Result {
  const parts = SOUND.split(right);
  expect(parts.length, right).to.be.greaterThan(at + 1);
  const text = parts.slice(0, at + 1).join(right) + wrong + parts.slice(at + 1).join(right);
  const { findings, leftOut } = compileText(text);
  return { found: findings.map(({ code }) => code), leftOut };
}

interface Typo {
  readonly title: string;
  readonly typo: readonly [right: string, wrong: string, at?: number];
  readonly finds: readonly FindingCode[];
  readonly leavesOut: readonly FindingCode[];
}

const typos: readonly Typo[] = [
  {
    title: 'a callee',
    typo: ['payment: [charge]', 'paymnt: [charge]'],
    finds: ['unknown-service'],
    leavesOut: ['unreachable-service'],
  },
  {
    title: 'the name under which a service is declared',
    typo: ['  stock: {', '  stok: {'],
    finds: ['unknown-service'],
    leavesOut: ['forward-leaks', 'unreachable-service'],
  },
  {
    title: 'a scope in a call',
    typo: ['scopes: [read]', 'scopes: [raed]'],
    finds: ['unknown-scope'],
    leavesOut: ['unused-scope'],
  },
  {
    title: 'a scope in the call of a client',
    typo: ['scopes: [browse, order]', 'scopes: [browze, order]'],
    finds: ['unknown-scope'],
    leavesOut: ['unknown-scope', 'unused-scope'],
  },
  {
    title: 'a scope that `when` names, in the call',
    typo: ['scopes: [browse, order]', 'scopes: [browse, ordr]'],
    finds: ['unknown-scope'],
    leavesOut: ['unknown-scope', 'unused-scope'],
  },
  {
    title: 'a service that a gateway introspects',
    typo: ['introspect: [front]', 'introspect: [frnt]'],
    finds: ['unknown-service'],
    leavesOut: [],
  },
  {
    title: 'a caller that a scope lists',
    typo: ['callers: [front]', 'callers: [frnt]'],
    finds: ['unknown-caller'],
    leavesOut: ['caller-not-listed'],
  },
  {
    title: 'the caller whose forwarded token a service accepts',
    typo: ['accepts_forward: [stock]', 'accepts_forward: [stok]'],
    finds: ['unknown-service'],
    leavesOut: ['forward-leaks'],
  },
  {
    title: 'the zone of a client',
    typo: ['zone: edge', 'zone: egde'],
    finds: ['unknown-zone'],
    leavesOut: [],
  },
  {
    title: 'the zone of all services',
    typo: ['zone: mesh', 'zone: mseh'],
    finds: ['unknown-zone'],
    leavesOut: ['unused-zone', 'claim-outside-zone'],
  },
  {
    title: 'the header profile of all services',
    typo: ['profile: envoy', 'profile: envoi'],
    finds: ['unknown-profile'],
    leavesOut: [],
  },
  {
    title: 'a claim of a service',
    typo: ['claims: [region]', 'claims: [regoin]'],
    finds: ['unknown-claim'],
    leavesOut: ['unused-claim'],
  },
  {
    title: 'a claim that a forwarded token carries',
    typo: ['claims: [tier]', 'claims: [teir]'],
    finds: ['unknown-claim'],
    leavesOut: ['forward-leaks'],
  },
  {
    title: 'a claim for which a client gives a value',
    typo: ['claims: { tier: gold }', 'claims: { teir: gold }'],
    finds: ['unknown-claim'],
    leavesOut: ['claim-without-value'],
  },
  {
    title: 'where the value of a claim comes from',
    typo: ['from: client', 'from: clint'],
    finds: ['invalid-value'],
    leavesOut: ['unknown-claim', 'claim-without-value'],
  },
  {
    title: 'a provider of users',
    typo: ['subjects: [login]', 'subjects: [logn]'],
    finds: ['unknown-subject'],
    leavesOut: ['claim-without-value', 'condition-never-met'],
  },
  {
    title: 'a grant',
    typo: ['token_exchange', 'token_exchang'],
    finds: ['invalid-value'],
    leavesOut: ['subjects-and-grants'],
  },
  {
    title: 'a variable',
    typo: ["audience: 'https://{name}.${domain}'", "audience: 'https://{name}.${domian}'"],
    finds: ['undefined-variable'],
    leavesOut: [],
  },
  {
    title: 'the key `caller`',
    typo: ['caller: mtls', 'callr: mtls'],
    finds: ['unknown-key'],
    leavesOut: ['spendable-by-others'],
  },
  {
    title: 'the key `defaults`',
    typo: ['defaults:', 'defalts:'],
    finds: ['unknown-key'],
    leavesOut: ['unused-zone', 'claim-outside-zone', 'spendable-by-others', 'no-budget'],
  },
  {
    title: 'the key `scopes` of a service',
    typo: ['ads: { scopes:', 'ads: { scpes:', 1],
    finds: ['unknown-key'],
    leavesOut: ['unknown-scope'],
  },
  {
    title: 'the key `secret_env`',
    typo: ['secret_env', 'secret_evn'],
    finds: ['unknown-key'],
    leavesOut: ['secret-source'],
  },
  {
    title: 'the mode `none`, which lets a callee be outside the graph',
    typo: ['mode: none', 'mode: nnoe'],
    finds: ['invalid-value'],
    leavesOut: ['unknown-service'],
  },
];

describe('findings that may only follow from another error', () => {
  it('do not come up in the graph without a typo', () => {
    expect(compileText(SOUND)).to.deep.include({ findings: [], leftOut: [] });
  });

  for (const { title, typo, finds, leavesOut } of typos) {
    it(`are left out after a typo in ${title}`, () => {
      const { found, leftOut } = withTypo(...typo);
      expect(found).to.deep.equal(finds);
      expect(leftOut).to.have.members(leavesOut);
    });
  }

  it('are left out after any typo, and the kinds are named', () => {
    const source = new SourceText('graph.yaml', SOUND);
    const root = parseYaml(source, new Findings());
    expect(root?.kind).to.equal('map');
    let refused = 0;
    for (const { offset, value } of scalarsOf(root!)) {
      const at = SOUND.indexOf(value, offset) + Math.min(2, value.length);
      const { plan, findings, leftOut } = compileText(`${SOUND.slice(0, at)}q${SOUND.slice(at)}`);
      const errors = findings.filter(({ severity }) => severity === 'error');
      const where = `${source.locate(offset).line}: ${value}`;
      if (errors.length > 0) {
        refused++;
        expect(
          findings.filter(({ code }) => !OWN.has(code)),
          where,
        ).to.deep.equal([]);
      } else expect(leftOut, where).to.deep.equal([]);
      expect(plan === undefined, where).to.equal(errors.length > 0);
    }
    expect(refused).to.be.greaterThan(140);
  });

  it('leave what does not depend on the error', () => {
    const { findings } = compileText(
      SOUND.replace('scopes: [read]', 'scopes: [raed]').replace('callers: [front]', 'callers: []'),
    );
    expect(findings.map(({ code }) => code)).to.have.members(['unknown-scope', 'caller-not-listed']);
  });

  it('are all that the files do not show one by one, if a file cannot be read', () => {
    const { findings, leftOut } = compileText(`${SOUND}: [`);
    expect(findings.map(({ code }) => code)).to.deep.equal(['yaml-syntax']);
    expect(leftOut).to.include.members(['unknown-service', 'unused-scope', 'budget-exceeded']);
    expect(leftOut).to.not.include('unknown-key');
  });
});

function* scalarsOf(node: Node): Generator<{ offset: number; value: string }> {
  if (node.kind === 'list') for (const item of node.items) yield* scalarsOf(item);
  else if (node.kind === 'map') {
    for (const { key, value } of node.entries.values()) {
      yield { offset: key.offset, value: key.value };
      yield* scalarsOf(value);
    }
  } else if (typeof node.value === 'string' && node.value !== '')
    yield { offset: node.offset, value: node.value };
}
