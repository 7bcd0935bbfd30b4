/** An issuer with an opaque client, a gateway and services that authenticate; one store for as many as are started. */
import type { Plan } from '../../../src/graph/index.ts';
import type { AppOptions } from '../../../src/issuer/http/index.ts';
import type { Issuer } from '../../../src/issuer/index.ts';
import type { Store } from '../../../src/issuer/stores/index.ts';
import { firstStore, secretOf } from './issue.ts';
import { basic } from '../http.ts';
import { startIssuer } from './start.ts';

export const SHOP = 'https://shop.test.example';
export const ADMIN = 'https://admin.test.example';
export const PAYMENT = 'https://payment.test.example';

export interface GraphParts {
  readonly browse?: string;
  readonly scopes?: string;
  readonly web?: string;
  readonly issuer?: string;
}

/** `web` gets references, `app` gets tokens; `edge` stands before shop, `backdoor` before admin. */
export const opaqueGraph = (
  url: string,
  { scopes = '[browse, order]', web = '', issuer = '' }: GraphParts = {},
) => `
waybill: 1
issuer: { url: '${url}' ${issuer} }
defaults: { audience: 'https://{name}.test.example', headers: { profile: go } }
claims: { tier: { from: client, max_bytes: 16 } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    token: opaque
    claims: { tier: gold }
    calls: { shop: ${scopes} }
    ${web}
  app:
    auth: { method: client_secret_basic, secret_env: APP }
    claims: { tier: tin }
    calls: { shop: [browse, order], admin: [manage] }
  edge:
    auth: { method: client_secret_post, secret_env: EDGE }
    introspect: [shop]
    calls: { shop: [browse] }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    claims: [tier]
    scopes:
      browse: {}
      order: { calls: { payment: [charge], audit: { scopes: [write], mode: exchange } } }
  payment: { auth: { method: client_secret_basic, secret_env: PAY }, scopes: { charge: {} } }
  audit: { scopes: { write: {} } }
  admin: { scopes: { manage: {} } }
  backdoor: { auth: { method: client_secret_basic, secret_env: BACK }, introspect: [admin] }
`;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export interface TestShop {
  readonly url: string;
  readonly plan: Plan;
  issuer: Issuer;
  logText(): string;
  /** POST as a party of the graph. */
  post(path: string, as: string, form: Record<string, string>, accept?: string): Promise<Answer>;
  /** A token for `as`; what it receives, be it a reference. */
  token(as: string, scope?: string): Promise<string>;
}

interface Options {
  readonly store?: Store;
  readonly clock?: () => number;
  readonly parts?: GraphParts;
  /** The issuer's URL where another process has it. */
  readonly as?: string;
  /** Of the application beside issuer and log. */
  readonly app?: Partial<AppOptions>;
}

/** Ended by `stopIssuers`. */
export async function startShop({ store, clock, parts = {}, as, app = {} }: Options = {}): Promise<TestShop> {
  const kept = store ?? firstStore(clock ? { clock } : {});
  const started = await startIssuer((url) => opaqueGraph(as ?? url, parts), {
    app,
    issuer: { store: kept, ...(clock ? { clock } : {}) },
  });
  const { origin: url, plan } = started;
  const shop: TestShop = {
    ...{ url, plan },
    logText: () => started.logText(),
    get issuer() {
      return started.issuer;
    },
    set issuer(issuer) {
      started.issuer = issuer;
    },
    post: (path, party, form, accept) => post(`${url}${path}`, party, form, accept),
    async token(party, scope = 'order') {
      const { body } = await shop.post('/token', party, { grant_type: 'client_credentials', scope });
      return body['access_token'] as string;
    },
  };
  return shop;
}

async function post(
  url: string,
  as: string,
  form: Record<string, string>,
  accept = 'application/json',
): Promise<Answer> {
  const posted = as === 'edge' ? { ...form, client_id: as, client_secret: secretOf(as) } : form;
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(posted),
    headers: { accept, ...(as === 'edge' ? {} : { authorization: basic(as, secretOf(as)) }) },
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.endsWith('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
