/** How long it takes to plan one tree: the walk and the weight of every token, which is all that depends on the graph. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Plan } from '../../src/graph/index.ts';
import { Measure, Walk, compileGraph, resolveRequest, signingSize, worstClaimBytes } from './built.ts';

const TOKENS = 16;
const ROUNDS = 2_000;
/** Of the scope `read` of every service. */
const CALLS = 5;

export interface Issuing {
  readonly tokens: number;
  /** Microseconds, the median. */
  readonly here: number;
  readonly alone: number;
}

/** @param plan of a large graph whose first entry's `read` makes a tree of 16 tokens */
export function issuingTime(plan: Plan): Issuing {
  const small = smallPlan();
  const here = planner(plan);
  const alone = planner(small);
  const tokens = [here(), alone()];
  if (tokens.some((count) => count !== TOKENS))
    throw new TypeError(`The trees have ${tokens.join(' and ')} tokens.`);
  const times: [number[], number[]] = [[], []];
  // In turns, so that whatever else the machine does slows both.
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(timed(here));
    times[1].push(timed(alone));
  }
  return { tokens: TOKENS, here: median(times[0]), alone: median(times[1]) };
}

/** Plans the tree anew with each call, as for a request that was never seen before. */
function planner(plan: Plan): () => number {
  const [client] = plan.clients.values();
  const call = client?.calls[0];
  if (!client || !call?.service) throw new TypeError('The graph has no client with an entry.');
  const resources = [call.service.audience];
  return () => {
    const { service, scopes } = resolveRequest(plan, client, { scopes: ['read'], resources });
    const shape = new Walk().shape(service, scopes);
    const measure = new Measure({
      issuer: plan.issuer.url,
      sub: client.name,
      clientId: client.name,
      heldClaims: () => [],
      signing: signingSize(plan.issuer.signing),
      claimBytes: worstClaimBytes(client),
    });
    measure.exact(shape);
    return shape.tokens;
  };
}

function timed(run: () => void): number {
  const started = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - started) / 1_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The 16 services of such a tree, what they fetch on demand, and no other. */
function smallPlan(): Plan {
  const services: string[] = [];
  let stubs = 0;
  const service = (name: string, embedded: readonly string[]): void => {
    const calls = embedded.map((callee) => `${callee}: [read]`);
    while (calls.length < CALLS) {
      const stub = `fetched-${String(stubs++).padStart(4, '0')}`;
      calls.push(`${stub}: { scopes: [read], mode: exchange }`);
      services.push(`  ${stub}: { scopes: { read: } }`);
    }
    const auth = '{ method: client_secret_basic, secret_env: S }';
    services.push(
      `  ${name}: { auth: ${auth}, claims: [region], scopes: { read: { claims: [tier], calls: { ${calls.join(', ')} } } } }`,
    );
  };
  const middles = [1, 2, 3].map((at) => `middle-${at}`);
  service('top', middles);
  for (const middle of middles) {
    const leaves = [1, 2, 3, 4].map((at) => `${middle}-leaf-${at}`);
    service(middle, leaves);
    for (const leaf of leaves) service(leaf, []);
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'scale-'));
  const file = path.join(folder, 'small.yaml');
  try {
    writeFileSync(
      file,
      `waybill: 1
issuer: { url: 'https://tokens.scale.example' }
claims: { tier: { from: client, max_bytes: 16 }, region: { value: eu } }
defaults: { audience: 'https://{name}.scale.example', identity: 'spiffe://scale.example/{name}', headers: { profile: envoy } }
clients:
  client-0:
    auth: { method: client_secret_basic, secret_env: CLIENT }
    claims: { tier: gold }
    calls: { top: [read] }
services:
${services.join('\n')}
`,
    );
    const { plan, findings } = compileGraph([file]);
    if (!plan) throw new TypeError(findings.map(({ message }) => message).join('\n'));
    return plan;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
