/** Random requests to proxies with an exported configuration, judged by them and by the extractor with a router of its own. */
import { expect } from 'chai';

import { graphModel } from '../../../../src/architect/export/service-model.ts';
import { isWaybillError } from '../../../../src/errors.ts';
import { extractor, type Extractor, type RequestContext } from '../../../../src/middleware/index.ts';
import type { Signer } from '../../../support/keys/signer.ts';
import { ask, type MeshService } from '../envoy/random-mesh.ts';
import { isDenied, isGranted, whyNot } from './grants.ts';
import { pick, type Random } from './random-graph.ts';
import { randomRequest, type RandomRequest } from './random-requests.ts';
import { leniently, strictly } from './reference-router.ts';

export interface Comparison {
  readonly services: readonly MeshService[];
  readonly requests: number;
  readonly issuer: { readonly url: string; readonly signer: Signer };
  readonly foreign: Signer;
  /** Why this proxy may refuse what is granted, beside what is true of all. */
  readonly mayRefuse: (service: MeshService) => string | undefined;
  /** Why it may accept what the extractor refuses. */
  readonly mayAccept: (service: MeshService, sent: RandomRequest) => string | undefined;
  /** Under which host a service calls a callee. */
  readonly hostOf: (service: MeshService, callee: string) => string;
  /** What the proxy answers to a call of a host that is no callee. */
  readonly elsewhere: number;
}

export interface Counts {
  accepted: number;
  refused: number;
  children: number;
  /** Where the proxy judges otherwise, by reason. */
  readonly otherwise: Map<string, number>;
}

/** @throws what differs without a reason. */
export async function compareRequests(random: Random, comparison: Comparison): Promise<Counts> {
  const { services, requests, issuer, foreign, mayRefuse, mayAccept } = comparison;
  const counts: Counts = { accepted: 0, refused: 0, children: 0, otherwise: new Map() };
  const count = (reason: string) => counts.otherwise.set(reason, (counts.otherwise.get(reason) ?? 0) + 1);
  const extractors = new Map<string, Extractor>();
  for (let number = 0; number < requests; number++) {
    const service = pick(random, services);
    const sent = await randomRequest(random, service, { own: issuer.signer, foreign });
    const what = `${number}: ${service.plan.name} ${service.name} ${sent.method} ${sent.url}`;
    const answer = await ask(service.inbound, sent);
    const token = await verify(extractors, issuer.url, service, sent);
    if (answer.arrived) {
      counts.accepted++;
      const excess = typeof token === 'string' ? mayAccept(service, sent) : undefined;
      if (excess !== undefined) {
        count(excess);
        continue;
      }
      if (typeof token === 'string') throw new Error(`${what}: accepted, though the extractor says ${token}`);
      requireGranted(service, token, sent.method, answer.arrived.url, what);
      const { act } = token.claims as { act?: { sub: string } };
      expect(answer.arrived.headers['x-waybill-act'], what).to.deep.equal(act && [act.sub]);
      counts.children += await compareChildren(service, token, sent.token, what, comparison);
      continue;
    }
    counts.refused++;
    if (typeof token === 'string' || !isGranted(service, token, strictly, sent.method, sent.url)) continue;
    const reason = whyNot(service, sent) ?? mayRefuse(service);
    expect(reason, `${what}: refused with ${answer.status}, though it is granted`).to.be.a('string');
    count(reason!);
  }
  return counts;
}

/** @returns the code with which the extractor refuses the token. */
async function verify(
  extractors: Map<string, Extractor>,
  issuer: string,
  { plan, name }: MeshService,
  { headers }: RandomRequest,
): Promise<RequestContext | string> {
  const { audience } = plan.services.get(name)!;
  const known = extractors.get(audience) ?? extractor({ issuer, audience, caller: 'none' });
  extractors.set(audience, known);
  return known
    .authenticate({ authorization: headers['authorization'] })
    .catch((error: unknown) => String((error as { code?: unknown }).code));
}

/** In every way in which a server may read what it got. */
function requireGranted(
  service: MeshService,
  token: RequestContext,
  method: string,
  url: string,
  what: string,
): void {
  expect(isGranted(service, token, strictly, method, url), `${what}, sent on as ${url}`).to.equal(true);
  expect(isDenied(service, token, leniently, method, url), `${what}, read leniently as ${url}`).to.equal(
    false,
  );
  if (method === 'HEAD')
    expect(isDenied(service, token, leniently, 'GET', url), `${what}, answered as GET`).to.equal(false);
}

/** Sends calls to each callee, and to one that is none. @returns how many children arrived. */
async function compareChildren(
  service: MeshService,
  token: RequestContext,
  compact: string,
  what: string,
  { hostOf, elsewhere }: Comparison,
): Promise<number> {
  const { plan, name, outbound } = service;
  const { outbound: callees } = graphModel(plan).services.get(name)!;
  if (callees.length === 0) return 0;
  const call = (host: string) =>
    ask(outbound, { method: 'GET', url: '/', headers: { host, authorization: `Bearer ${compact}` } });
  let children = 0;
  for (const callee of callees) {
    const answer = await call(hostOf(service, callee.name));
    const own = childOf(token, callee.name);
    expect(answer.arrived?.headers['authorization'], `${what} → ${callee.name}`).to.deep.equal(
      own && [`Bearer ${own}`],
    );
    if (own === undefined) expect(answer.status, what).to.equal(403);
    else children++;
  }
  expect((await call('elsewhere.example')).status, what).to.equal(elsewhere);
  return children;
}

function childOf(token: RequestContext, callee: string): string | undefined {
  try {
    return token.child(callee);
  } catch (error) {
    if (isWaybillError(error, 'child_missing')) return undefined;
    throw error;
  }
}
