/**
 * Requests to the systems under `graphs/systems`, from a login at a real provider to the last service: a real issuer, and at
 * every hop the extractor of that service, which fetches what is fetched and opens what is sealed.
 */
import { randomUUID, type JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import { SignJWT } from 'jose';

import { StepUpRequired, extractor, isWaybillError, type Extractor } from '../../src/middleware/index.ts';
import type { Plan, ServicePlan } from '../../src/graph/index.ts';
import type { Files } from '../support/files.ts';
import {
  compileSystem,
  edited,
  filesOfSystem,
  type Edit,
  type SystemOptions,
} from '../support/graphs/systems.ts';
import { closeServers, type Answer } from '../support/http.ts';
import { JWT_BEARER, pair, type Pair } from '../support/issuer/keyed.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../support/issuer/start.ts';
import { sealKeyPair, type SealKeyPair } from '../support/keys/seal-keys.ts';
import { startLogin, type Login } from '../support/provider/login.ts';
import { APP } from '../support/provider/scripted.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPES = 'urn:ietf:params:oauth:token-type:';
const CONTEXT = 'urn:waybill:context';

interface Visited {
  /** Names from the entry on, joined with `/`. */
  readonly path: string;
  readonly scopes: readonly string[];
  /** Without those that every token has. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly lineage: readonly string[];
}

/** What one request comes to. */
interface Walked {
  readonly visited: readonly Visited[];
  /** Paths of the calls for which there is no token, and why. */
  readonly refused: Readonly<Record<string, string>>;
  /** How often a token that was inside could be fetched as well, and was the same. */
  readonly compared: number;
}

class System {
  readonly issuer: TestIssuer;
  readonly plan: Plan;
  readonly #extractors: ReadonlyMap<string, Extractor>;
  readonly #keys: ReadonlyMap<string, Pair>;

  constructor(issuer: TestIssuer, keys: ReadonlyMap<string, Pair>, seals: ReadonlyMap<string, SealKeyPair>) {
    this.#keys = keys;
    this.issuer = issuer;
    this.plan = issuer.plan;
    const one = ({ name, audience, audiences = [audience], caller, auth }: ServicePlan): Extractor => {
      const own = seals.get(name);
      return extractor({
        issuer: issuer.url,
        audience: [...audiences],
        caller,
        ...(caller === 'mtls' ? { gateways: [EDGE] } : {}),
        ...(auth === undefined
          ? {}
          : {
              credentials: {
                clientId: name,
                method: 'private_key_jwt' as const,
                key: keys.get(name)!.privateJwk as JsonWebKey,
              },
            }),
        ...(own === undefined ? {} : { decryption: { keys: [own.privateJwk] }, seal: 'require' as const }),
      });
    };
    this.#extractors = new Map(
      [...this.plan.services.values()].map((service) => [service.name, one(service)]),
    );
  }

  /** What the client gets, and then what the gateway gets for that. */
  async enter(
    client: string,
    scope: string,
    idToken: string,
    { request, gateway, context }: { request?: object; gateway: string; context?: object },
  ): Promise<string> {
    const answer = await this.ask(client, scope, idToken, request);
    expect(answer.status, answer.text).to.equal(200);
    const more = context === undefined ? {} : { request_context: JSON.stringify(context) };
    const options = { path: '/introspect', headers: { accept: 'application/jwt' } };
    const parameters = { token: String(answer.body['access_token']), ...more };
    const swap = this.#keys.has(gateway)
      ? await this.issuer.token({ ...parameters, ...(await this.#assertion(gateway)) }, options)
      : await this.issuer.token(parameters, { ...options, as: gateway });
    expect(swap.status, swap.text).to.equal(200);
    return swap.text;
  }

  ask(client: string, scope: string, idToken: string, request?: object) {
    const details = request && { authorization_details: JSON.stringify([{ type: CONTEXT, ...request }]) };
    return this.issuer.token(
      {
        ...{ grant_type: EXCHANGE, subject_token: idToken, subject_token_type: `${TYPES}id_token`, scope },
        ...details,
      },
      { as: client },
    );
  }

  /** Every call that the request can lead to, depth first. */
  async walk(entry: string, token: string): Promise<Walked> {
    const visited: Visited[] = [];
    const refused: Record<string, string> = {};
    let compared = 0;
    const visit = async (
      name: string,
      path: string,
      authorization: string,
      presenter: string,
    ): Promise<void> => {
      const service = this.plan.services.get(name)!;
      const waybill = this.#extractors.get(name)!;
      const context = await waybill.authenticate({ authorization, peer: { uris: [presenter] } });
      const claims = tailored(context.claims);
      visited.push({ path, scopes: context.scopes, claims, lineage: context.lineage.actors });
      const scopes = context.scopes.flatMap((scope) => service.scopes.get(scope) ?? []);
      const calls = [...service.calls, ...scopes.flatMap((scope) => scope.calls)];
      for (const callee of new Set(calls.map((call) => call.callee))) {
        const [call] = calls.filter((one) => one.callee === callee);
        const target = this.plan.services.get(callee);
        if (target === undefined || call!.mode === 'none') continue;
        const below = `${path}/${callee}`;
        const sent = await context.obtainHeaders(target.audience).catch((error: unknown) => {
          refused[below] = nameOf(error);
          return undefined;
        });
        if (sent === undefined) continue;
        for (const other of target.audiences) expect(await context.obtainHeaders(other)).to.deep.equal(sent);
        // The last of several deployments: the first would be accepted by older services as well.
        await visit(callee, below, sent.authorization!, service.identities.at(-1) ?? service.identity);
        if (call!.mode !== 'embed' || service.auth === undefined) continue;
        await this.#compare(service, callee, [authorization.slice('Bearer '.length), sent.authorization!]);
        compared += 1;
      }
    };
    await visit(entry, entry, `Bearer ${token}`, EDGE);
    return { visited, refused, compared };
  }

  /** An embedded token, and the one that the issuer gives in its place, say the same to their service. */
  async #compare(
    service: ServicePlan,
    callee: string,
    [held, embedded]: readonly [held: string, embedded: string],
  ): Promise<void> {
    const parameters = {
      subject_token: held,
      audience: callee,
    };
    const answer = await this.exchange(service.name, parameters);
    expect(answer.status, answer.text).to.equal(200);
    const waybill = this.#extractors.get(callee)!;
    const peer = { uris: [service.identity] };
    const [one, other] = await Promise.all(
      [embedded, `Bearer ${String(answer.body['access_token'])}`].map(async (authorization) => {
        const { claims } = await waybill.authenticate({ authorization, peer });
        const { jti: _jti, iat: _iat, exp: _exp, ...same } = claims;
        return same;
      }),
    );
    expect(other).to.deep.equal(one);
  }

  /** POST /token as a service. */
  async exchange(service: string, parameters: Readonly<Record<string, string>>): Promise<Answer> {
    return this.issuer.token({
      ...{ grant_type: EXCHANGE, subject_token_type: `${TYPES}access_token`, ...parameters },
      ...(await this.#assertion(service)),
    });
  }

  /** With the key that the service's `auth` names (RFC 7523 section 2.2). */
  async #assertion(service: string): Promise<Readonly<Record<string, string>>> {
    const { privateKey, publicJwk } = this.#keys.get(service)!;
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: service, sub: service, aud: this.issuer.url, jti: randomUUID(), exp: now + 60 };
    const client_assertion = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid! })
      .sign(privateKey);
    return { client_assertion_type: JWT_BEARER, client_assertion };
  }
}

const EDGE = 'spiffe://edge.example/gateway';
const OF_ALL = 'iss aud sub client_id exp iat nbf jti txn scope act on_demand held'.split(' ');

function tailored(claims: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_ALL.includes(name)));
}

function nameOf(error: unknown): string {
  if (error instanceof StepUpRequired) return 'step-up';
  return isWaybillError(error) ? error.code : String(error);
}

/** Services authenticate with keys of their own and clients with secrets, for the test has no mesh around it. */
const KEY = "{ method: private_key_jwt, jwks_file: 'keys/{name}.jwks' }";
const secretIn = (env: string): string => `{ method: client_secret_basic, secret_env: ${env} }`;

async function keysOf(names: readonly string[]): Promise<ReadonlyMap<string, Pair>> {
  return new Map(await Promise.all(names.map(async (name) => [name, await pair('ES256', name)] as const)));
}

/** As the files of the graph hold them. */
function filesOf(keys: ReadonlyMap<string, Pair>): Map<string, unknown> {
  return new Map([...keys].map(([name, { publicJwk }]) => [name, { keys: [publicJwk] }]));
}

describe('Requests through the payments system', () => {
  let [system, customers, staff]: [System?, Login?, Login?] = [];

  before(async () => {
    const people = {
      c1: { email: 'c1@paycorp.example' },
      s1: { email: 's1@paycorp.example', role: ['support'] },
      s2: { email: 's2@paycorp.example', role: ['cleaning'] },
    };
    customers = await startLogin({ people, levels: ['urn:paycorp:2fa', 'urn:paycorp:pwd'] });
    staff = await startLogin({ people, levels: ['phr', 'pwd'] });
    const vault = await sealKeyPair('v1');
    const edits = (url: string): readonly Edit[] => [
      ['company.yaml', 'url: https://tokens.${domain}', `url: ${url}`],
      ['company.yaml', "issuer: 'https://login.${domain}'", `issuer: '${customers!.url}'`],
      ['company.yaml', "issuer: 'https://staff.${domain}'", `issuer: '${staff!.url}'`],
      ['company.yaml', 'audience: paycorp-web', `audience: ${APP}`],
      ['company.yaml', 'audience: paycorp-support', `audience: ${APP}`],
      [
        'company.yaml',
        "auth: { method: spiffe_x509, spiffe_id: 'spiffe://${trust}/{zone}/{name}', bundle_file: keys/bundle.json }",
        `auth: ${KEY}`,
      ],
      ['company.yaml', '{ method: private_key_jwt, jwks_file: keys/mobile.jwks }', secretIn('MOBILE')],
      ['company.yaml', '{ method: private_key_jwt, jwks_file: keys/batch.jwks }', secretIn('BATCH')],
      [
        'team-agents.yaml',
        '{ method: private_key_jwt, jwks_file: keys/assistant.jwks }',
        secretIn('ASSISTANT'),
      ],
    ];
    const keys = await keysOf(
      'bff support-api orders customers statements soap risk notify payment vault ledger tools-mcp'.split(
        ' ',
      ),
    );
    const issuer = await startIssuer(
      (url) =>
        planOf('payments', edits(url), ['env/dev.yaml'], {
          domain: 'dev.paycorp.example',
          refund_limit_scope: 'refund',
        }),
      { issuer: { keySets: filesOf(keys), encryptionKeys: new Map([['vault', vault.jwks]]) } },
    );
    system = new System(issuer, keys, new Map([['vault', vault]]));
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  const refund = { amount: 200_000, currency: 'EUR' };

  it('a payment: every hop has what the graph gives it, sealed, fetched and at partners too', async () => {
    const { id_token } = await customers!.logIn('c1', APP, 'urn:paycorp:2fa');
    const token = await system!.enter('web', 'pay', id_token, {
      request: { amount: 1250, currency: 'EUR' },
      gateway: 'edge',
      context: { ip: '203.0.113.9' },
    });
    const { visited, refused, compared } = await system!.walk('bff', token);
    expect(refused).to.deep.equal({});
    const by = new Map(visited.map((one) => [one.path, one]));
    const context = { amount: 1250, currency: 'EUR' };
    expect([...by.keys()].sort()).to.deep.equal([
      'bff',
      'bff/orders',
      'bff/orders/customers',
      'bff/orders/notify',
      'bff/orders/payment',
      'bff/orders/payment/bank-transfers',
      'bff/orders/payment/ledger',
      'bff/orders/payment/vault',
      'bff/risk',
      'bff/risk/scorer',
    ]);
    expect(by.get('bff')!.claims).to.deep.equal({ ...context, ip: '203.0.113.9' });
    expect(by.get('bff/orders/payment')!.claims).to.deep.equal({ ...context, plan: 'retail' });
    expect(by.get('bff/orders/notify')!.claims).to.deep.equal({ email: 'c1@paycorp.example' });
    expect(by.get('bff/orders/payment/vault')!.claims).to.deep.equal({});
    expect(by.get('bff/orders/payment/bank-transfers')!.claims).to.deep.equal(context);
    // Inside, the way back to the client; at a partner, who calls it.
    expect(by.get('bff/orders/payment/ledger')!.lineage.at(-1)).to.equal('web');
    expect(by.get('bff/orders/payment/ledger')!.lineage).to.have.lengthOf(4);
    expect(by.get('bff/risk/scorer')!.lineage).to.have.lengthOf(1);
    expect(compared).to.equal(5);
  });

  it('a large payment after a plain login ends at the charge, which says which login would do', async () => {
    const { id_token } = await customers!.logIn('c1', APP, 'urn:paycorp:pwd');
    const request = { amount: 900_000, currency: 'EUR' };
    const token = await system!.enter('web', 'pay', id_token, { request, gateway: 'edge' });
    const { visited, refused } = await system!.walk('bff', token);
    expect(refused).to.deep.equal({ 'bff/orders/payment': 'step-up' });
    expect(visited.map(({ path }) => path)).to.include.members(['bff/orders/notify', 'bff/risk/scorer']);
  });

  it('a refund takes support, a second factor and the amount that was asked for', async () => {
    const asked = async (user: string, acr: string) =>
      system!.ask('support-ui', 'case:refund', (await staff!.logIn(user, APP, acr)).id_token, refund);
    const { body } = await asked('s1', 'pwd');
    // The login is recent, so that its age is not what failed.
    const wanted = { scope: 'case:refund', acr_values: 'phr phrh' };
    expect(body['insufficient_user_authentication']).to.deep.equal(wanted);
    const { id_token } = await staff!.logIn('s1', APP, 'phr');
    const token = await system!.enter('support-ui', 'case:refund', id_token, {
      request: refund,
      gateway: 'edge',
    });
    const { visited, refused } = await system!.walk('support-api', token);
    expect(refused).to.deep.equal({});
    const paid = visited.find(({ path }) => path === 'support-api/payment');
    expect(paid).to.deep.include({ scopes: ['refund'], claims: refund });
    expect(visited.map(({ path }) => path)).to.include('support-api/payment/vault');
  });

  it('attack: someone who is no supporter, and a client that has no such call, learn no rule (step-up)', async () => {
    const cleaner = await staff!.logIn('s2', APP, 'pwd');
    const customer = await customers!.logIn('c1', APP, 'urn:paycorp:pwd');
    for (const answer of [
      await system!.ask('support-ui', 'case:refund', cleaner.id_token, refund),
      await system!.ask('web', 'case:refund', customer.id_token, refund),
    ]) {
      expect(answer.status).to.equal(400);
      expect(answer.body['error']).to.equal('invalid_scope');
      expect(answer.text).to.not.match(/phr|acr_values|max_age/);
    }
  });

  it('attack: a service that exchanges sets the amount, and a gateway changes it', async () => {
    const { id_token } = await customers!.logIn('c1', APP, 'urn:paycorp:2fa');
    const request = { amount: 1250, currency: 'EUR' };
    const answer = await system!.ask('web', 'pay', id_token, request);
    const reference = String(answer.body['access_token']);
    const swap = (context: object) =>
      system!.issuer.token(
        { token: reference, request_context: JSON.stringify(context) },
        { path: '/introspect', as: 'edge', headers: { accept: 'application/jwt' } },
      );
    const changed = await swap({ amount: 1 });
    expect([changed.status, changed.body['error']]).to.deep.equal([400, 'invalid_request']);
    const { text: token } = await swap({});
    const exchanged = await system!.exchange('bff', {
      ...{ subject_token: token, audience: 'risk', request_details: JSON.stringify({ amount: 1 }) },
    });
    expect([exchanged.status, exchanged.body['error']]).to.deep.equal([400, 'invalid_request']);
  });
});

describe('Requests through the shop in Kubernetes', () => {
  let [system, login]: [System?, Login?] = [];

  before(async () => {
    login = await startLogin({
      people: {
        dora: { org: { id: 'acme' }, address: { city: 'Bonn' } },
        emil: { org: { id: 'umbrella' }, address: { city: 'Ulm' } },
      },
    });
    const keys = await keysOf(['web', 'api.shop', 'catalog', 'cart', 'api.checkout', 'stock', 'parcels']);
    const edits = (url: string): readonly Edit[] => [
      ['platform.yaml', "url: 'https://tokens.${region}.kshop.example'", `url: ${url}`],
      [
        'platform.yaml',
        "issuer: 'https://login.${region}.kshop.example', audience: kshop",
        `issuer: '${login!.url}', audience: ${APP}`,
      ],
      [
        'platform.yaml',
        "      method: spiffe_jwt,\n      spiffe_id: 'spiffe://${cluster}/ns/{namespace}/sa/{name}',\n      bundle_file: keys/cluster.json,\n",
        "      method: private_key_jwt,\n      jwks_file: 'keys/{namespace}-{name}.jwks',\n",
      ],
      [
        'platform.yaml',
        '{ method: private_key_jwt, jwks_file: keys/storefront.jwks }',
        secretIn('STOREFRONT'),
      ],
      [
        'platform.yaml',
        "      {\n        method: spiffe_x509,\n        spiffe_id: 'spiffe://${cluster}/ns/istio-ingress/sa/gateway',\n        bundle_file: keys/cluster.json,\n      }",
        `      ${secretIn('GATEWAY')}`,
      ],
    ];
    const issuer = await startIssuer((url) => planOf('kubernetes-shop', edits(url), [], {}), {
      issuer: { keySets: filesOf(keys) },
    });
    system = new System(issuer, keys, new Map());
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  it('an order: both addresses of a service, the new deployment of another, and an address that one of them reads', async () => {
    const { id_token } = await login!.logIn('dora');
    const token = await system!.enter('storefront', 'buy', id_token, { gateway: 'gateway' });
    const { visited, refused, compared } = await system!.walk('web', token);
    expect(refused).to.deep.equal({});
    const by = new Map(visited.map((one) => [one.path, one.claims]));
    expect(Object.fromEntries(by)).to.deep.equal({
      web: { tenant: 'acme' },
      'web/cart': { tenant: 'acme' },
      'web/cart/catalog': {},
      'web/api.checkout': { tenant: 'acme', address: { city: 'Bonn' }, region: 'eu' },
      'web/api.checkout/stock': { tenant: 'acme' },
      'web/api.checkout/parcels': { address: { city: 'Bonn' } },
    });
    expect(compared).to.equal(4);
  });

  it('attack: a tenant that is not in the beta asks for what comes next', async () => {
    const [inside, outside] = await Promise.all(['dora', 'emil'].map((user) => login!.logIn(user)));
    const refused = await system!.ask('storefront', 'preview', outside!.id_token);
    expect([refused.status, refused.body['error']]).to.deep.equal([400, 'invalid_scope']);
    const token = await system!.enter('storefront', 'preview', inside!.id_token, { gateway: 'gateway' });
    const { visited } = await system!.walk('web', token);
    expect(visited.find(({ path }) => path === 'web/catalog')!.scopes).to.deep.equal(['read', 'drafts']);
  });
});

describe("Requests through the boutique, with the request's context", () => {
  let [system, login]: [System?, Login?] = [];

  before(async () => {
    login = await startLogin({ people: { u1: {} }, levels: ['urn:boutique:2fa', 'urn:boutique:pwd'] });
    const files = filesOfSystem('boutique-context');
    const boutique = readFileSync(new URL('../../graphs/online-boutique.yaml', import.meta.url), 'utf8');
    const edits: readonly Edit[] = [
      ['context.yaml', 'issuer: https://login.${domain}', `issuer: ${login.url}`],
      ['context.yaml', 'audience: storefront', `audience: ${APP}`],
      [
        'context.overlay.yaml',
        "{ method: spiffe_x509, spiffe_id: 'spiffe://${domain}/{name}', bundle_file: keys/boutique.json }",
        KEY,
      ],
    ];
    const names = [...boutique.matchAll(/^ {2}(\w+service|frontend):/gm)].map(([, name]) => name!);
    const keys = await keysOf(names);
    const issuer = await startIssuer(
      (url) =>
        compilePlan(
          { ...edited(files, edits), 'online-boutique.yaml': boutique },
          {
            overlays: ['context.overlay.yaml'],
            variables: { issuer: url },
          },
        ),
      { issuer: { keySets: filesOf(keys) } },
    );
    system = new System(issuer, keys, new Map());
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  const enter = async (acr: string, amount: number): Promise<Walked> => {
    const { id_token } = await login!.logIn('u1', APP, acr);
    const request = { amount, currency: 'EUR' };
    const token = await system!.enter('storefront', 'checkout', id_token, { request, gateway: 'frontend' });
    return system!.walk('frontend', token);
  };

  it('a checkout: payment gets the approved amount, the mail service does not', async () => {
    const { visited, refused, compared } = await enter('urn:boutique:pwd', 1999);
    expect(refused).to.deep.equal({});
    const by = new Map(visited.map((one) => [one.path.split('/').slice(-1)[0]!, one.claims]));
    expect(by.get('paymentservice')).to.deep.equal({ region: 'eu', amount: 1999, currency: 'EUR' });
    expect(by.get('emailservice')).to.deep.equal({});
    expect(compared).to.be.above(5);
  });

  it('an expensive basket is charged after a second factor alone', async () => {
    const { refused } = await enter('urn:boutique:pwd', 990_000);
    expect(refused).to.deep.equal({ 'frontend/checkoutservice/paymentservice': 'step-up' });
    expect((await enter('urn:boutique:2fa', 990_000)).refused).to.deep.equal({});
  });
});

function planOf(
  system: string,
  edits: readonly Edit[],
  overlays: readonly string[],
  variables: Readonly<Record<string, string>>,
): Plan {
  return compilePlan(edited(filesOfSystem(system), edits), { overlays, variables });
}

function compilePlan(files: Files, options: SystemOptions): Plan {
  return compileSystem(files, options, ({ plan, findings }) => {
    if (!plan) throw new Error(findings.map(({ message }) => message).join('\n'));
    return plan;
  });
}
