/**
 * Random graphs and requests, judged by the sidecar with the configuration that is exported for it, and by the extractor
 * with a router of its own. As the extractor, the sidecar leaves it to the issuer who gets which scope. One in report mode
 * refuses nothing, and reports what the other refuses, with its code.
 */
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { expect } from 'chai';
import { sidecarConfigs, type SidecarFile } from '../../src/architect/export/index.ts';
import {
  Sidecar,
  httpChecks,
  sidecarOptions,
  type DecisionReport,
  type SidecarConfig,
} from '../../src/mesh/index.ts';
import { extractor, type Extractor, type RequestContext } from '../../src/middleware/index.ts';
import { scopesFor, whyNot, type ExportedService } from '../architect/export/random/grants.ts';
import { pick, randomGraph } from '../architect/export/random/random-graph.ts';
import { randomRequest, type RandomRequest } from '../architect/export/random/random-requests.ts';
import { leniently, strictly, type Reading } from '../architect/export/random/reference-router.ts';
import { planOf } from '../support/compile.ts';
import { closeServers, listen } from '../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../support/issuer/scripted.ts';
import { makeSigner, type Signer } from '../support/keys/signer.ts';
import { seededRandom } from '../support/seeded-random.ts';

const GRAPHS = 30;
const REQUESTS = 1_500;

interface Served extends ExportedService {
  readonly url: string;
  /** In report mode. */
  readonly reporting: string;
  readonly extractor: Extractor;
}

interface Answer {
  readonly status: number;
  readonly act: string | undefined;
  /** That of the response; a request without one goes on without. */
  readonly authorization: string | undefined;
  readonly identity: readonly string[];
}

describe('the sidecar and the extractor', function () {
  this.timeout(300_000);
  const seed = Number(process.env['WAYBILL_SEED'] ?? 20_261_129);
  const random = seededRandom(seed);
  const services: Served[] = [];
  const decisions: DecisionReport[] = [];
  let issuer: ScriptedIssuer;
  let foreign: Signer;

  before(async () => {
    issuer = await startScriptedIssuer();
    foreign = await makeSigner();
    for (let number = 0; number < GRAPHS; number++) {
      const plan = planOf(randomGraph(random, number, issuer.url, 'none'));
      const exported = sidecarConfigs(plan);
      for (const [name, file] of exported.services) {
        const { audience } = plan.services.get(name)!;
        services.push({
          ...{ plan, name, notes: exported.notes },
          url: await listen(httpChecks(sidecarOf(file)), { maxHeaderSize: 256 * 1024 }),
          reporting: await listen(httpChecks(sidecarOf({ ...file, mode: 'report' })), {
            maxHeaderSize: 256 * 1024,
          }),
          extractor: extractor({ issuer: issuer.url, audience, caller: 'none' }),
        });
      }
    }
  });
  after(closeServers);

  function sidecarOf(file: SidecarFile): Sidecar {
    return new Sidecar({
      ...sidecarOptions(file as unknown as SidecarConfig, {}),
      onDecision: (decision) => decisions.push(decision),
    });
  }

  it(`agree on ${REQUESTS} requests (seed ${seed})`, async () => {
    const counts = { accepted: 0, refused: 0, children: 0 };
    const excluded = new Map<string, number>();
    for (let number = 0; number < REQUESTS; number++) {
      const service = pick(random, services);
      const sent = await randomRequest(random, service, { own: issuer.signer, foreign });
      const what = `${number}: ${service.plan.name} ${service.name} ${sent.method} ${sent.url}`;
      const answer = await check(`${service.url}/inbound${sent.url}`, sent);
      await compareReport(service, '/inbound', sent, answer, what);
      const token = await verify(service, sent);
      if (answer.status === 200) {
        counts.accepted++;
        if (typeof token === 'string') throw new Error(`${what}: accepted, the extractor says ${token}`);
        expect(isAllowed(service, token, asWritten, sent), what).to.equal(true);
        expect(isForbidden(service, token, leniently, sent), `${what}, read leniently`).to.equal(false);
        const { act } = token.claims as { act?: { sub: string } };
        expect(answer.act, what).to.equal(act?.sub);
        counts.children += await compareCalls(service, token, sent, what);
        continue;
      }
      counts.refused++;
      if (typeof token === 'string' || !isAllowed(service, token, strictly, sent)) continue;
      const reason = whyNot(service, sent);
      expect(reason, `${what}: refused with ${answer.status}, though it is allowed`).to.be.a('string');
      excluded.set(reason!, (excluded.get(reason!) ?? 0) + 1);
    }
    const list = Array.from(excluded, ([reason, count]) => `${reason} ${count}`).join(', ');
    console.log(`      ${JSON.stringify(counts)}, refused by the sidecar alone: ${list || 'none'}`);
    expect(counts.accepted).to.be.greaterThan(REQUESTS / 3);
    expect(counts.refused).to.be.greaterThan(REQUESTS / 5);
    expect(counts.children).to.be.greaterThan(REQUESTS / 10);
  });

  /** Nothing is refused in report mode: it has no identity, and a report with the same code, or the same answer. */
  async function compareReport(
    { reporting }: Served,
    direction: string,
    sent: Pick<RandomRequest, 'method' | 'url' | 'headers'>,
    enforced: Answer,
    what: string,
  ): Promise<void> {
    const [decision] = decisions.slice(-1);
    const answer = await check(`${reporting}${direction}${sent.url}`, sent);
    const [report] = decisions.slice(-1);
    expect(report?.code, what).to.equal(decision?.code);
    if (enforced.status === 200) return void expect(answer, what).to.deep.equal(enforced);
    expect([answer.status, answer.identity, report?.reported], what).to.deep.equal([200, [], true]);
    if (direction === '/outbound') expect(answer.authorization, what).to.equal(undefined);
  }

  async function verify(service: Served, { headers }: RandomRequest): Promise<RequestContext | string> {
    return service.extractor
      .authenticate({ authorization: headers['authorization'] })
      .catch((error: unknown) => String((error as { code?: unknown }).code));
  }

  /** Each callee gets its child or nothing, and a host that is no callee nothing. @returns how many got one. */
  async function compareCalls(
    service: Served,
    token: RequestContext,
    sent: RandomRequest,
    what: string,
  ): Promise<number> {
    const callees = new Set(
      [...service.plan.services.get(service.name)!.scopes.values()].flatMap(({ calls }) =>
        calls.map((call) => call.service!),
      ),
    );
    let children = 0;
    for (const callee of callees) {
      const host = new URL(callee.audience).host;
      const call = { method: 'GET', headers: { host, authorization: `Bearer ${sent.token}` } };
      const answer = await check(`${service.url}/outbound/`, call);
      await compareReport(service, '/outbound', { ...call, url: '/' }, answer, what);
      const { status } = answer;
      const embedded = token.claims as { embedded?: Readonly<Record<string, unknown>> };
      const own = ownChild(token, callee.name);
      expect(status, `${what} → ${callee.name} ${Object.keys(embedded.embedded ?? {}).join()}`).to.equal(
        own === undefined ? 403 : 200,
      );
      if (own !== undefined) children++;
    }
    const elsewhere = { host: 'nowhere.example', authorization: `Bearer ${sent.token}` };
    const { status } = await check(`${service.url}/outbound/`, { method: 'GET', headers: elsewhere });
    expect(status, what).to.equal(403);
    return children;
  }
});

function ownChild(token: RequestContext, callee: string): string | undefined {
  try {
    return token.child(callee);
  } catch (error) {
    expect((error as { code?: unknown }).code).to.equal('child_missing');
    return undefined;
  }
}

/** Escapes of letters, digits and `-._~` stand for them (RFC 3986 section 6.2.2.2). */
const asWritten: Reading = (pathname) =>
  strictly(
    pathname.replace(/%[0-9a-f]{2}/gi, (escape) => {
      const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
      return /[\w.~-]/.test(character) ? character : escape;
    }),
  );

function allowances(service: ExportedService, token: RequestContext, reading: Reading, sent: RandomRequest) {
  return scopesFor(service, reading, sent.method, sent.url).map((scopes) =>
    scopes.some((scope) => token.scopes.includes(scope)),
  );
}

function isAllowed(...asked: Parameters<typeof allowances>): boolean {
  const routes = allowances(...asked);
  return routes.length > 0 && routes.every(Boolean);
}

function isForbidden(...asked: Parameters<typeof allowances>): boolean {
  return allowances(...asked).includes(false);
}

/** With the path as it is: `fetch` would resolve its dots. */
async function check(
  url: string,
  { method, headers }: Pick<RandomRequest, 'method' | 'headers'>,
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const path = url.slice(url.indexOf(port) + port.length);
  const sent = request({ hostname, port, path, method, headers, agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return {
    status: answer.statusCode ?? 0,
    act: answer.headers['x-waybill-act']?.toString(),
    authorization: answer.headers['authorization'],
    identity: Object.keys(answer.headers).filter((name) => name.startsWith('x-waybill-')),
  };
}
