/**
 * Random graphs and requests at a real HAProxy in both modes. What enforcement refuses passes in report mode, without
 * identity, and is reported with a code for the same refusal; what it accepts is the same in both.
 */
import { expect } from 'chai';

import { WaybillError, type ErrorCode } from '../../../../src/errors.ts';
import { refuse } from '../../../../src/mesh/refusal.ts';
import { graphModel } from '../../../../src/architect/export/service-model.ts';
import { eventually } from '../../../support/clock/eventually.ts';
import { removeScratch } from '../../../support/files.ts';
import { hasHaproxy, needsHaproxy, stopHaproxies } from '../../../support/haproxy.ts';
import { closeServers } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { makeSigner, type Signer } from '../../../support/keys/signer.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { ask, type Answer } from '../envoy/random-mesh.ts';
import { pick } from '../random/random-graph.ts';
import { randomRequest } from '../random/random-requests.ts';
import { startMesh, type Mesh } from './random-mesh.ts';

const GRAPHS = 12;
const REQUESTS = 600;

interface Line {
  readonly decision: string;
  readonly at: string;
  readonly error: ErrorCode;
  readonly status: number;
}

describe(`HAProxy in both modes${needsHaproxy}`, function () {
  this.timeout(300_000);
  const seed = Number(process.env['WAYBILL_SEED'] ?? 20_261_129);
  const random = seededRandom(seed);
  let issuer: ScriptedIssuer;
  let foreign: Signer;
  let mesh: Mesh;

  before(async function () {
    if (!hasHaproxy) this.skip();
    issuer = await startScriptedIssuer();
    foreign = await makeSigner();
    mesh = await startMesh(random, GRAPHS, issuer);
  });
  after(async () => {
    await stopHaproxies();
    await closeServers();
    removeScratch();
  });

  let written = 0;
  /** The next line of the log. */
  async function nextLine(what: string): Promise<Line> {
    const lines = () => mesh.proxies.report.output().split('\n').slice(0, -1);
    await eventually(10, () => lines().length > written);
    expect(lines().length, what).to.equal(++written);
    return JSON.parse(lines().at(-1)!) as Line;
  }

  /**
   * @param enforced undefined where HAProxy has no frontend for it.
   * @returns the code that was reported; undefined for a request that both accept.
   */
  async function compare(
    enforced: Answer | undefined,
    reported: Answer,
    what: string,
  ): Promise<ErrorCode | undefined> {
    if (enforced?.arrived) {
      expect(reported, what).to.deep.equal(enforced);
      return undefined;
    }
    expect(reported.arrived, `${what}: refused in report mode`).not.to.equal(undefined);
    const identity = Object.keys(reported.arrived!.headers).filter((name) => name.includes('waybill'));
    expect(identity, what).to.deep.equal([]);
    const { error, decision, status } = await nextLine(what);
    expect([decision, status], what).to.deep.equal(['reported', 200]);
    if (enforced) expect(statusFor(error), `${what}: ${error}`).to.equal(enforced.status);
    return error;
  }

  it(`decide alike on ${REQUESTS} requests (seed ${seed})`, async () => {
    const counts: Record<string, number> = { accepted: 0, children: 0 };
    const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);
    for (let number = 0; number < REQUESTS; number++) {
      const service = pick(random, mesh.services);
      const sent = await randomRequest(random, service, { own: issuer.signer, foreign });
      const what = `${number}: ${service.plan.name} ${service.name} ${sent.method} ${sent.url}`;
      const { enforce, report } = service.inbound;
      count((await compare(await ask(enforce, sent), await ask(report, sent), what)) ?? 'accepted');

      const { report: proxy, enforce: strict } = service.outbound;
      if (proxy === undefined) continue;
      const callee = pick(random, graphModel(service.plan).services.get(service.name)!.outbound);
      const host = new URL(service.plan.services.get(callee.name)!.audience).host;
      const call = { method: 'GET', url: '/', headers: { ...sent.headers, host } };
      const enforced = strict === undefined ? undefined : await ask(strict, call);
      const reported = await ask(proxy, call);
      const code = await compare(enforced, reported, `${what} → ${callee.name}`);
      if (code !== undefined) expect(reported.arrived!.headers['authorization'], what).to.equal(undefined);
      count(code ?? 'children');
    }
    console.log(`      ${JSON.stringify(counts)}`);
    expect(counts['accepted']).to.be.greaterThan(REQUESTS / 4);
    expect(counts['children']).to.be.greaterThan(REQUESTS / 20);
    expect(Object.keys(counts)).to.include.members([
      ...[
        'token_missing',
        'token_repeated',
        'token_signature',
        'token_type',
        'token_issuer',
        'token_audience',
      ],
      ...['token_expired', 'token_presenter', 'path_ambiguous', 'operation_unlisted', 'scope_insufficient'],
      'child_missing',
    ]);
  });
});

/** As the sidecar answers such a refusal. HAProxy has one answer for no header and two. */
function statusFor(code: ErrorCode): number {
  return code === 'token_repeated' ? 401 : refuse(new WaybillError(code, '')).status;
}
