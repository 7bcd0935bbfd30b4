/**
 * Random graphs and requests, judged by a real Envoy with the exported configuration, and by the extractor with a router
 * of its own. Where Envoy judges otherwise, a note of the export says why.
 */
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { makeSigner, type Signer } from '../../../support/keys/signer.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { compareRequests } from '../random/comparison.ts';
import { noted } from '../random/grants.ts';
import { startMesh, type Mesh } from './random-mesh.ts';

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
    const { otherwise, ...counts } = await compareRequests(random, {
      ...{ services: mesh.services, requests: REQUESTS, issuer, foreign, elsewhere: 403 },
      mayRefuse: () => undefined,
      mayAccept: (service, { token }) => (hasEmptyClaim(token) ? noted(service, 'never-issued') : undefined),
      hostOf: ({ plan }, callee) => new URL(plan.services.get(callee)!.audience).host,
    });
    const list = Array.from(otherwise, ([reason, count]) => `${reason} ${count}`).join(', ');
    console.log(`      ${JSON.stringify(counts)}, judged otherwise by Envoy: ${list === '' ? 'none' : list}`);
    expect(counts.accepted).to.be.greaterThan(REQUESTS / 3);
    expect(counts.refused).to.be.greaterThan(REQUESTS / 5);
    expect(counts.children).to.be.greaterThan(REQUESTS / 20);
  });
});

function hasEmptyClaim(token: string): boolean {
  const { act, cnf } = decodeJwt(token);
  return [act, cnf].some((claim) => claim === null || claim === '');
}
