/**
 * Random graphs and requests, judged by a real Envoy as istiod would configure it from the exported resources, and by the
 * extractor with a router of its own.
 */
import { expect } from 'chai';
import { decodeJwt, decodeProtectedHeader } from 'jose';

import { istioResources } from '../../../../src/architect/export/index.ts';
import { planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, startEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { LOOPBACK, testCa } from '../../../support/keys/certificates.ts';
import { makeSigner, type Signer } from '../../../support/keys/signer.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { listenersAt, socketsFor, startEcho, type MeshService } from '../envoy/random-mesh.ts';
import { compareRequests } from '../random/comparison.ts';
import { noted } from '../random/grants.ts';
import { randomGraph, type Random } from '../random/random-graph.ts';
import type { RandomRequest } from '../random/random-requests.ts';
import { readResources } from './istiod/resources.ts';
import { sidecarConfig, type KnownHost } from './istiod/istiod.ts';

const GRAPHS = 25;
const REQUESTS = 800;

describe(`Istio and the extractor${needsEnvoy}`, function () {
  this.timeout(300_000);
  const seed = Number(process.env['WAYBILL_SEED'] ?? 20_261_129);
  const random = seededRandom(seed);
  let issuer: ScriptedIssuer;
  let foreign: Signer;
  let services: readonly MeshService[];

  before(async function () {
    if (!hasEnvoy) this.skip();
    issuer = await startScriptedIssuer();
    foreign = await makeSigner();
    services = await startServices(random, issuer);
  });
  after(async () => {
    await stopEnvoys();
    await closeServers();
    removeScratch();
  });

  it(`agree on ${REQUESTS} requests (seed ${seed})`, async () => {
    const { otherwise, ...counts } = await compareRequests(random, {
      ...{ services, requests: REQUESTS, issuer, foreign, elsewhere: 502 },
      mayRefuse: (service) => noted(service, 'operation-unsupported'),
      mayAccept: (service, sent) => (isUnlikeTheIssuers(sent) ? noted(service, 'never-issued') : undefined),
      hostOf: ({ plan }, callee) => hostOf(plan.name, callee),
    });
    const list = Array.from(otherwise, ([reason, count]) => `${reason} ${count}`).join(', ');
    console.log(`      ${JSON.stringify(counts)}, judged otherwise: ${list === '' ? 'none' : list}`);
    expect(counts.accepted).to.be.greaterThan(REQUESTS / 4);
    expect(counts.refused).to.be.greaterThan(REQUESTS / 5);
    expect(counts.children).to.be.greaterThan(REQUESTS / 20);
  });
});

const hostOf = (graph: string, service: string): string => `${service}.${graph}.svc.cluster.local`;

/** What policies do not see. */
function isUnlikeTheIssuers({ token }: RandomRequest): boolean {
  if (decodeProtectedHeader(token).typ !== 'at+jwt') return true;
  const { act, cnf } = decodeJwt(token) as { act?: { sub?: unknown } | null; cnf?: unknown };
  return (act !== undefined && typeof act?.sub !== 'string') || cnf === null || cnf === '';
}

/** All of them in one Envoy; that mutual TLS is right is another test's affair. */
async function startServices(random: Random, issuer: ScriptedIssuer): Promise<readonly MeshService[]> {
  const echo = await startEcho();
  const keys = JSON.stringify({ keys: issuer.keys });
  const issuerPort = Number(new URL(issuer.url).port);
  const folder = scratchFolder();
  const { cert, key } = testCa().issue(LOOPBACK);
  const certificate = scratchFile('tls.crt', cert);
  const tls = { certificate, key: scratchFile('tls.key', key), authorities: certificate };
  const services: MeshService[] = [];
  const listeners: object[] = [];
  const clusters = new Map<unknown, object>();
  let runtime: object = {};
  for (let number = 0; number < GRAPHS; number++) {
    // Kubernetes knows no underscore; Istio no digits, so most graphs have none.
    const written = randomGraph(random, number, issuer.url).replaceAll('c-d_', 'c-d');
    const plan = planOf(number % 5 === 0 ? written : written.replaceAll('{x:int}', '{x}'));
    const namespace = plan.name;
    const exported = istioResources(plan, { namespace });
    const resources = readResources(exported.text);
    const known = [...plan.services.keys()].map((name): KnownHost => ({
      ...{ host: hostOf(namespace, name), namespace, port: 80, endpoint: echo, principal: undefined },
    }));
    const atIssuer = { host: '127.0.0.1', namespace: 'tokens', port: issuerPort, endpoint: issuerPort };
    for (const name of plan.services.keys()) {
      const config = sidecarConfig(
        resources,
        { ...{ namespace, tls, labels: { app: name } }, inbound: 0, outbound: 0, application: echo },
        { hosts: [...known, { ...atIssuer, principal: undefined }], keysAt: () => keys, internet: echo },
      );
      const sockets = socketsFor(folder, services.length);
      listeners.push(...listenersAt(config.static_resources, sockets));
      for (const cluster of config.static_resources.clusters) clusters.set(cluster['name'], cluster);
      runtime = config.layered_runtime;
      services.push({ plan, name, notes: exported.notes, ...sockets });
    }
  }
  const static_resources = { listeners, clusters: [...clusters.values()] };
  await startEnvoy(
    { layered_runtime: runtime, static_resources },
    services.map(({ inbound }) => inbound),
  );
  return services;
}
