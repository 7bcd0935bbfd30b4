import { expect } from 'chai';

import { compileGraph } from '../../src/planning/compile.ts';
import { isWaybillError, type WaybillError } from '../../src/errors.ts';
import { resolveRequest, type Plan } from '../../src/graph/index.ts';
import { TreePlans } from '../../src/issuer/signing/tree-plan.ts';
import type { MeasuredToken } from '../../src/planning/header-budget/index.ts';
import type { Confirmation } from '../../src/token/index.ts';
import { valuesOf } from '../../src/issuer/signing/values.ts';
import { planRequest, everyHopFits } from '../../src/planning/request-plan.ts';
import { clientOf, issue, issuerFor, keysFor } from '../support/issuer/issue.ts';
import { tokenAt } from '../support/issuer/trees.ts';
import { planOf } from '../support/compile.ts';
import { removeScratch, scratchFile } from '../support/files.ts';

/** @param issuer more of the issuer, such as its limits. @param limit bytes of a header at each service. */
const graph = (issuer: string, limit: string) => `
waybill: 1
issuer: { url: 'https://tokens.example', ${issuer} }
defaults: { audience: 'https://{name}.example', headers: ${limit} }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { shop: [one, two, three] }
services:
  shop:
    scopes:
      one: { calls: { a: [x] } }
      two: { calls: { b: [x] } }
      three: { calls: { c: [x] } }
  a: { scopes: { x: {} } }
  b: { scopes: { x: {} } }
  c: { scopes: { x: {} } }
`;

async function refusal(plan: Plan, scopes: readonly string[], cnf?: Confirmation): Promise<WaybillError> {
  const issuer = await issuerFor(plan);
  const issuing = issuer.issue(clientOf(plan, 'web'), { scopes, cnf });
  const error: unknown = await issuing.catch((thrown: unknown) => thrown);
  if (!isWaybillError(error)) throw new Error('it was issued');
  return error;
}

const ALL = ['one', 'two', 'three'];

describe('Limits when a tree is issued', () => {
  after(removeScratch);

  it('a request that is over a budget only as a whole is refused, naming hop, bytes, limit and what sets it', async () => {
    const plan = planOf(graph('lifetime: 5m', '{ max_line: 1900B }'));
    for (const scope of ALL) expect((await issue(plan, 'web', [scope])).tokens).to.equal(2);
    const { code, message } = await refusal(plan, ALL, { jkt: 'k'.repeat(43) });
    expect(code).to.equal('invalid_scope');
    const { bytes, budget } = planRequest(plan, 'web', { scopes: ALL }).root;
    expect(message).to.equal(
      `The token for web -> shop has ${bytes?.nested} bytes; ${budget?.limit} fit (own limits). Ask for fewer scopes.`,
    );
    expect(everyHopFits(planRequest(plan, 'web', { scopes: ALL }).root)).to.equal(false);
  });

  it('the hop that is named is the one whose room is too small, however deep it lies', async () => {
    const [p, q] = ['p'.repeat(100), 'q'.repeat(100)];
    // Each scope of the entry brings one scope at the bottom; both together are a longer token.
    const deep = (room: string) => `
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: go } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, calls: { shop: [one, two] } }
services:
  shop: { scopes: { one: { calls: { a: [x] } }, two: { calls: { a: [y] } } } }
  a: { scopes: { x: { calls: { d: [${p}] } }, y: { calls: { d: [${q}] } } } }
  d: { headers: { max_line: ${room} }, scopes: { ${p}: {}, ${q}: {} } }
`;
    const { token } = await issue(planOf(deep('8KiB')), 'web', ['one', 'two']);
    const bytes = tokenAt(token, 'a', 'd').compact.length;
    const plan = planOf(deep(`${bytes + 23}B`));
    for (const scope of ['one', 'two']) await issue(plan, 'web', [scope]);
    const { message } = await refusal(plan, ['one', 'two']);
    expect(message).to.contain(`The token for a -> d has ${bytes} bytes; ${bytes - 1} fit`);
  });

  it('the largest header that a server takes is filled to the byte, and not a byte more', async () => {
    const generous = planOf(graph('lifetime: 5m', '{ max_line: 4KiB }'));
    const { bytes } = await issue(generous, 'web', ALL);
    const line = 'Authorization: Bearer '.length + bytes + '\r\n'.length;
    const exact = planOf(graph('lifetime: 5m', `{ max_line: ${line}B }`));
    expect((await issue(exact, 'web', ALL)).bytes).to.equal(bytes);
    const { message } = await refusal(planOf(graph('lifetime: 5m', `{ max_line: ${line - 1}B }`)), ALL);
    expect(message).to.contain(`has ${bytes} bytes; ${bytes - 1} fit`);
  });

  it('more tokens than limits.tokens are refused with both numbers', async () => {
    const plan = planOf(graph('limits: { tokens: 3 }', '{ profile: go }'));
    await issue(plan, 'web', ['one', 'two']);
    const { code, message } = await refusal(plan, ALL);
    expect(code).to.equal('invalid_scope');
    expect(message).to.match(/ 4 tokens; at most 3 are issued/);
  });

  it('more levels than limits.depth are refused with both numbers', async () => {
    const text = graph('limits: { depth: 1 }', '{ profile: go }');
    const { draft, findings } = compileGraph([scratchFile('deep.yaml', text)]);
    expect(findings.map(({ code }) => code)).to.include('too-deep');
    // A check refuses such a graph; the issuer does not lean on that.
    const { code, message } = await refusal(draft as Plan, ['one']);
    expect(code).to.equal('invalid_scope');
    expect(message).to.match(/ 2 levels deep; at most 1 are issued/);
  });

  it('more bytes than limits.nested are refused with both numbers', async () => {
    const plan = planOf(graph('limits: { nested: 2KiB }', '{ profile: go }'));
    await issue(plan, 'web', ['one']);
    const { code, message } = await refusal(plan, ALL);
    expect(code).to.equal('invalid_scope');
    expect(message).to.match(/^The token for .+ has \d+ bytes; 2048 fit \(issuer\.limits\.nested\)/);
  });

  it('what a service gets forwarded must fit its headers too', async () => {
    const forward = (room: string) => `
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { shop: [${'a'.repeat(100)}, ${'b'.repeat(100)}] }
services:
  shop:
    scopes:
      ${'a'.repeat(100)}: { calls: { log: { scopes: [write], mode: forward } } }
      ${'b'.repeat(100)}: {}
  log: { headers: { max_line: ${room} }, accepts_forward: [shop], scopes: { write: {} } }
`;
    const both = ['a'.repeat(100), 'b'.repeat(100)];
    const roomy = planOf(forward('8KiB'));
    const one = (await issue(roomy, 'web', both.slice(0, 1))).bytes;
    const two = (await issue(roomy, 'web', both)).bytes;
    const tight = planOf(forward(`${two + 23}B`));
    expect((await issue(tight, 'web', both.slice(0, 1))).bytes).to.equal(one);
    const { message } = await refusal(tight, both);
    expect(message).to.contain(`The token for shop -> log has ${two} bytes; ${two - 1} fit`);
    expect(everyHopFits(planRequest(tight, 'web', { scopes: both }).root)).to.equal(false);
  });
});

/** The tree that the client's request means, as the issuer plans it. */
function plannedBy(trees: TreePlans, plan: Plan, asked: readonly string[]): MeasuredToken {
  const client = clientOf(plan, 'web');
  const { service, scopes } = resolveRequest(plan, client, { scopes: asked });
  const wanted = {
    service,
    scopes,
    caller: undefined,
    calls: client.calls,
    decision: undefined,
    stepUp: undefined,
  };
  const [iat, exp] = [1_750_000_000, 1_750_000_300];
  const ids = { txn: 't', branch: undefined, iat, exp };
  const values = { client, hasOwnValues: false, sub: client.name, ...ids, valueOf: valuesOf(client) };
  return trees.planFor(wanted, values, 'nested');
}

describe('What a request costs', () => {
  after(removeScratch);

  it('an equal request takes the tree that was planned before, whatever the order of its scopes', async () => {
    const plan = planOf(graph('lifetime: 5m', '{ profile: go }'));
    const trees = new TreePlans(plan, (await keysFor('ES256')).signer);
    const treeOf = (scopes: string[]) => plannedBy(trees, plan, scopes);
    expect(treeOf(['two', 'one'])).to.equal(treeOf(['one', 'two']));
    expect(treeOf(['one'])).to.not.equal(treeOf(['two']));
  });

  it('a planned tree holds the services that the request reaches, and no other of the graph', async () => {
    const plan = planOf(graph('lifetime: 5m', '{ profile: go }'));
    const trees = new TreePlans(plan, (await keysFor('ES256')).signer);
    const tree = plannedBy(trees, plan, ['two']);
    expect(tree.children.map(({ branch }) => branch.callee)).to.deep.equal(['b']);
  });

  it('each tree has ids of its own, though its plan is kept', async () => {
    const plan = planOf(graph('lifetime: 5m', '{ profile: go }'));
    const [first, second] = [await issue(plan, 'web', ['one']), await issue(plan, 'web', ['one'])];
    expect(first.txn).to.not.equal(second.txn);
    expect(tokenAt(second.token, 'a').payload.txn).to.equal(second.txn);
  });
});
