/**
 * Random graphs and requests, judged by a real Envoy with the exported configuration, and by the extractor with a router
 * of its own. Envoy never accepts more. Where it accepts less, a note of the export says why.
 */
import { expect } from 'chai';

import { extractor, type Extractor, type RequestContext } from '../../../../src/middleware/index.ts';
import { isWaybillError } from '../../../../src/errors.ts';
import { graphModel } from '../../../../src/architect/export/service-model.ts';
import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { makeSigner, type Signer } from '../../../support/keys/signer.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { isDenied, isGranted, whyNot } from '../random/grants.ts';
import { pick } from '../random/random-graph.ts';
import { randomRequest, type RandomRequest } from '../random/random-requests.ts';
import { leniently, strictly } from '../random/reference-router.ts';
import { ask, startMesh, type Mesh, type MeshService } from './random-mesh.ts';

const GRAPHS = 60;
const REQUESTS = 2_400;

describe(`Envoy and the extractor${needsEnvoy}`, function () {
  this.timeout(300_000);
  const seed = Number(process.env['WAYBILL_SEED'] ?? 20_261_129);
  const random = seededRandom(seed);
  let issuer: ScriptedIssuer;
  let foreign: Signer;
  let mesh: Mesh;

  before(async function () {
    if (!hasEnvoy) this.skip();
    issuer = await startScriptedIssuer();
    foreign = await makeSigner();
    mesh = await startMesh(random, GRAPHS, issuer.url);
  });
  after(async () => {
    await stopEnvoys();
    await closeServers();
    removeScratch();
  });

  it(`agree on ${REQUESTS} requests (seed ${seed})`, async () => {
    const counts = { accepted: 0, refused: 0, children: 0 };
    const excluded = new Map<string, number>();
    for (let number = 0; number < REQUESTS; number++) {
      const service = pick(random, mesh.services);
      const sent = await randomRequest(random, service, { own: issuer.signer, foreign });
      const what = `${number}: ${service.plan.name} ${service.name} ${sent.method} ${sent.url}`;
      const answer = await ask(service.inbound, sent);
      const token = await verify(service, sent);
      if (answer.arrived) {
        counts.accepted++;
        if (typeof token === 'string')
          throw new Error(`${what}: accepted, though the extractor says ${token}`);
        requireGranted(service, token, sent.method, answer.arrived.url, what);
        const { act } = token.claims as { act?: { sub: string } };
        expect(answer.arrived.headers['x-waybill-act'], what).to.deep.equal(act && [act.sub]);
        counts.children += await compareChildren(service, token, sent.token, what);
        continue;
      }
      counts.refused++;
      if (typeof token === 'string' || !isGranted(service, token, strictly, sent.method, sent.url)) continue;
      const reason = whyNot(service, sent);
      expect(reason, `${what}: refused with ${answer.status}, though it is granted`).to.be.a('string');
      excluded.set(reason!, (excluded.get(reason!) ?? 0) + 1);
    }
    const list = Array.from(excluded, ([reason, count]) => `${reason} ${count}`).join(', ');
    console.log(`      ${JSON.stringify(counts)}, refused by Envoy alone: ${list === '' ? 'none' : list}`);
    expect(counts.accepted).to.be.greaterThan(REQUESTS / 3);
    expect(counts.refused).to.be.greaterThan(REQUESTS / 5);
    expect(counts.children).to.be.greaterThan(REQUESTS / 20);
  });

  const extractors = new Map<string, Extractor>();

  /** @returns the code with which the extractor refuses the token. */
  async function verify(
    { plan, name }: MeshService,
    { headers }: RandomRequest,
  ): Promise<RequestContext | string> {
    const { audience } = plan.services.get(name)!;
    const known = extractors.get(audience) ?? extractor({ issuer: issuer.url, audience, caller: 'none' });
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
});

/** Sends calls to each callee, and to one that is none. @returns how many children arrived. */
async function compareChildren(
  { plan, name, outbound }: MeshService,
  token: RequestContext,
  compact: string,
  what: string,
): Promise<number> {
  const { outbound: callees } = graphModel(plan).services.get(name)!;
  if (callees.length === 0) return 0;
  const call = (host: string) =>
    ask(outbound, { method: 'GET', url: '/', headers: { host, authorization: `Bearer ${compact}` } });
  let children = 0;
  for (const callee of callees) {
    const answer = await call(callee.authority!);
    const own = childOf(token, callee.name);
    expect(answer.arrived?.headers['authorization'], `${what} → ${callee.name}`).to.deep.equal(
      own && [`Bearer ${own}`],
    );
    if (own === undefined) expect(answer.status, what).to.equal(403);
    else children++;
  }
  expect((await call('elsewhere.example')).status, what).to.equal(403);
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
