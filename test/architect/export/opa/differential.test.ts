/**
 * Random graphs and requests, judged by a real OPA with the exported policy, and by the extractor with a router of its
 * own. OPA never allows more. Where it allows less, a note of the export says why. In report mode nothing is denied, and
 * exactly what is denied otherwise is reported, with the code of the extractor.
 */
import { expect } from 'chai';

import { opaBundle } from '../../../../src/architect/export/index.ts';
import { thumbprintOf } from '../../../../src/identity/index.ts';
import { extractor, type Extractor, type RequestContext } from '../../../../src/middleware/index.ts';
import { pack } from '../../../../src/token/index.ts';
import { planOf } from '../../../support/compile.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { testCa, type Identity } from '../../../support/keys/certificates.ts';
import { makeSigner, type Json, type Signer } from '../../../support/keys/signer.ts';
import { hasOpa, needsOpa, startOpa, stopOpas, type Opa } from '../../../support/opa.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { isDenied, isGranted, noted, whyNot, type ExportedService } from '../random/grants.ts';
import { pick, randomGraph } from '../random/random-graph.ts';
import { randomRequest, type RandomRequest } from '../random/random-requests.ts';
import { leniently, strictly } from '../random/reference-router.ts';

const GRAPHS = 60;
const REQUESTS = 1_800;
/** Requests of one question to OPA. */
const BATCH = 200;
const GATEWAY = 'spiffe://gateways.example/edge';

/** Asks the exported policy about many requests, each with the data of its own graph. */
const BATCH_POLICY = `package batch
decisions := [decision |
  some asked in input
  allow := data.waybill.envoy.allow with input as asked.input with data.waybill.graph as data.graphs[asked.graph]
  report := data.waybill.envoy.report with input as asked.input with data.waybill.graph as data.graphs[asked.graph]
  decision := {"allow": allow, "report": report}
]`;

interface Decision {
  readonly allow: boolean;
  /** As opa-envoy takes it. */
  readonly report: {
    readonly allowed: boolean;
    readonly dynamic_metadata?: { readonly decision: string; readonly error: string };
  };
}

interface Asked {
  readonly service: ExportedService;
  readonly sent: RandomRequest;
  readonly authorization: string | readonly string[] | undefined;
  readonly peer: Identity | undefined;
  readonly principal: string | undefined;
  /** Whether Envoy sends the certificate itself. */
  readonly sendsCertificate: boolean;
}

describe(`OPA and the extractor${needsOpa}`, function () {
  this.timeout(300_000);
  const seed = Number(process.env['WAYBILL_SEED'] ?? 20_261_129);
  const random = seededRandom(seed);
  const ca = testCa();
  const certificates = new Map<string, Identity>();
  const services: ExportedService[] = [];
  let issuer: ScriptedIssuer;
  let foreign: Signer;
  let opa: Opa;

  before(async function () {
    if (!hasOpa) this.skip();
    issuer = await startScriptedIssuer();
    foreign = await makeSigner();
    const graphs: Record<string, unknown> = {};
    let files: ReadonlyMap<string, string> = new Map();
    for (let number = 0; number < GRAPHS; number++) {
      const plan = planOf(randomGraph(random, number, issuer.url, pick(random, ['none', 'mtls'])));
      const exported = opaBundle(plan, { gateways: [GATEWAY], mode: 'report' });
      files = exported.files;
      const data = JSON.parse(files.get('data.json')!) as { waybill: { graph: unknown } };
      graphs[plan.name] = data.waybill.graph;
      for (const name of plan.services.keys()) {
        const service = { plan, name, notes: exported.notes };
        // One that nobody calls allows nothing.
        if (noted(service, 'no-callers') === undefined) services.push(service);
      }
    }
    opa = await startOpa(files);
    await opa.putData('graphs', graphs);
    await opa.putPolicy('batch', BATCH_POLICY);
  });
  after(async () => {
    await stopOpas();
    await closeServers();
    removeScratch();
  });

  const certificateOf = (identity: string): Identity => {
    const known = certificates.get(identity) ?? ca.issue({ commonName: 'peer', uris: [identity] });
    certificates.set(identity, known);
    return known;
  };

  async function randomAsked(): Promise<Asked> {
    const service = pick(random, services);
    // The principal is that of the caller or the gateway in most requests; a token is bound in some.
    const key =
      random(8) === 0 ? certificateOf(pick(random, [GATEWAY, 'spiffe://web.example/web'])) : undefined;
    const bound = key && { 'x5t#S256': thumbprintOf(key.certificate) };
    const sign: Signer['sign'] = async (payload, header) =>
      issuer.signer.sign(
        bound && !('act' in (payload as Json)) ? { cnf: bound, ...(payload as Json) } : payload,
        header,
      );
    const sent = await randomRequest(random, service, { own: { ...issuer.signer, sign }, foreign });
    const claims = JSON.parse(Buffer.from(sent.token.split('.')[1]!, 'base64url').toString()) as {
      act?: { sub?: string };
      embedded?: object;
    };
    const named =
      random(20) === 0 ? pick(random, [GATEWAY, 'spiffe://elsewhere.example/x']) : claims.act?.sub;
    const other = random(20) === 0 ? undefined : certificateOf(String(named ?? GATEWAY));
    const peer = key !== undefined && claims.act === undefined && random(4) > 0 ? key : other;
    const given = sent.headers['authorization'];
    const packs = claims.embedded !== undefined && random(16) === 0 && given === `Bearer ${sent.token}`;
    return {
      ...{ service, sent, peer, sendsCertificate: random(5) > 0 },
      principal: peer && uriOf(peer),
      authorization: packs ? `Bearer ${pack(sent.token)}` : given,
    };
  }

  it(`agree on ${REQUESTS} requests (seed ${seed})`, async () => {
    const counts = { allowed: 0, denied: 0, bound: 0, presenters: 0 };
    const excluded = new Map<string, number>();
    const reports = new Map<string, number>();
    for (let number = 0; number < REQUESTS; number += BATCH) {
      const asked: Asked[] = [];
      while (asked.length < BATCH) asked.push(await randomAsked());
      const input = asked.map((one) => ({ graph: one.service.plan.name, input: envoyInput(one) }));
      const decisions = (await opa.ask<Decision[]>('batch/decisions', input))!;
      expect(decisions).to.have.length(BATCH);
      for (const [at, one] of asked.entries()) {
        const { service, sent } = one;
        const what = `${number + at}: ${service.plan.name} ${service.name} ${sent.method} ${sent.url}`;
        const token = await verify(one);
        const { allow, report } = decisions[at]!;
        const reported = report.dynamic_metadata?.error;
        expect([report.allowed, reported === undefined], what).to.deep.equal([true, allow]);
        if (reported !== undefined) {
          reports.set(reported, (reports.get(reported) ?? 0) + 1);
          requireSameRefusal(reported, token, one, what);
        }
        if (allow) {
          counts.allowed++;
          if (typeof token === 'string')
            throw new Error(`${what}: allowed, though the extractor says ${token}`);
          requireGranted(service, token, sent, what);
          if ('cnf' in token.claims) counts.bound++;
          if (service.plan.services.get(service.name)!.caller === 'mtls') counts.presenters++;
          continue;
        }
        counts.denied++;
        if (typeof token === 'string' || !isGranted(service, token, strictly, sent.method, sent.url))
          continue;
        const reason = whyDenied(one, token);
        expect(reason, `${what}: denied, though it is granted`).to.be.a('string');
        excluded.set(reason!, (excluded.get(reason!) ?? 0) + 1);
      }
    }
    const list = Array.from(excluded, ([reason, count]) => `${reason} ${count}`).join(', ');
    console.log(`      ${JSON.stringify(counts)}, denied by OPA alone: ${list === '' ? 'none' : list}`);
    console.log(`      reported: ${JSON.stringify(Object.fromEntries(reports))}`);
    expect(counts.allowed).to.be.greaterThan(REQUESTS / 3);
    expect(counts.denied).to.be.greaterThan(REQUESTS / 5);
    expect(counts.bound).to.be.greaterThan(REQUESTS / 200);
    expect(counts.presenters).to.be.greaterThan(REQUESTS / 20);
  });

  const extractors = new Map<string, Extractor>();

  /** @returns the code with which the extractor refuses the token. */
  async function verify({ service, authorization, peer }: Asked): Promise<RequestContext | string> {
    const { audience, caller } = service.plan.services.get(service.name)!;
    const known =
      extractors.get(audience) ?? extractor({ issuer: issuer.url, audience, caller, gateways: [GATEWAY] });
    extractors.set(audience, known);
    return known
      .authenticate({ authorization, certificate: peer?.certificate })
      .catch((error: unknown) => String((error as { code?: unknown }).code));
  }
});

/** As opa-envoy describes a request: repeated headers are one. */
function envoyInput({ service, sent, authorization, peer, principal, sendsCertificate }: Asked): object {
  const joined = authorization === undefined ? {} : { authorization: [authorization].flat().join(',') };
  return {
    attributes: {
      contextExtensions: { service: service.name },
      source: {
        ...(principal === undefined ? {} : { principal }),
        ...(peer && sendsCertificate ? { certificate: encodeURIComponent(peer.cert) } : {}),
      },
      request: { http: { method: sent.method, path: sent.url, headers: joined } },
    },
  };
}

function uriOf({ certificate }: Identity): string {
  return certificate.subjectAltName!.replace('URI:', '');
}

/** In every way in which a server may read what it got. */
function requireGranted(
  service: ExportedService,
  token: RequestContext,
  { method, url }: RandomRequest,
  what: string,
): void {
  expect(isGranted(service, token, strictly, method, url), what).to.equal(true);
  expect(isDenied(service, token, leniently, method, url), `${what}, read leniently`).to.equal(false);
  if (method === 'HEAD')
    expect(isDenied(service, token, leniently, 'GET', url), `${what}, answered as GET`).to.equal(false);
}

/** The extractor's code, but for what OPA cannot check or looks at first, and for what the graph grants. */
function requireSameRefusal(
  reported: string,
  token: RequestContext | string,
  { authorization, sendsCertificate, principal }: Asked,
  what: string,
): void {
  const scheme = String(authorization);
  const expected = scheme.startsWith('DPoP ')
    ? ['token_presenter']
    : scheme.startsWith('Bearer wb1~')
      ? ['token_packed']
      : typeof token === 'string'
        ? [token]
        : [...OF_THE_GRAPH];
  // A token without scopes allows nothing.
  if (typeof token !== 'string' && !('scope' in token.claims)) expected.push('token_claims');
  if (typeof token !== 'string' && 'cnf' in token.claims && !sendsCertificate)
    expected.push('token_presenter');
  // `cnf` that is no object.
  if (token === 'token_claims') expected.push('token_presenter');
  // For the extractor a name in place of a URI is nobody.
  if (token === 'token_presenter' && principal === 'web') expected.push(...OF_THE_GRAPH);
  expect([...expected, 'path_ambiguous'], `${what}: ${reported}`).to.include(reported);
}

const OF_THE_GRAPH = ['operation_unlisted', 'scope_insufficient'];

function whyDenied(
  { service, sent, authorization, sendsCertificate }: Asked,
  { claims }: RequestContext,
): string | undefined {
  if (String(authorization).startsWith('Bearer wb1~')) return noted(service, 'packed-encoding');
  if ('cnf' in claims && !sendsCertificate) return noted(service, 'bound-tokens');
  return whyNot(service, sent);
}
