/** An issuer with a token endpoint that a test can bend, and requests whose tokens have callees on demand. */
import type { ServerResponse } from 'node:http';

import type { ExtractorOptions, RequestContext } from '../../../src/middleware/index.ts';
import { NOW, type Json } from '../../support/keys/signer.ts';
import { extractorFor } from '../services.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';

export const ADS = 'https://ads.boutique.example';
export const PAYMENT = 'https://payment.boutique.example';
export const SECRET = 'größer & "50 %": a/b+c';
export const CREDENTIALS = { clientId: 'check out', secret: SECRET };

export interface Asked {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

export interface Desk {
  readonly issuer: ScriptedIssuer;
  /** Requests at the token endpoint, in their order. */
  readonly asked: Asked[];
  /** What the clock of the service shows. */
  now: number;
  /** What the token endpoint answers. */
  answer: (response: ServerResponse, asked: Asked) => unknown;
  /** As the issuer would make it. */
  tokenFor(callee: string, overrides?: Json): Promise<string>;
  contextOf(overrides?: Json, options?: Partial<ExtractorOptions>): Promise<RequestContext>;
}

/** Ended by `closeServers`. */
export async function openDesk(): Promise<Desk> {
  const issuer = await startScriptedIssuer();
  const desk: Desk = {
    issuer,
    asked: [],
    now: NOW,
    answer: async (response, { form }) => granted(response, await desk.tokenFor(form['audience'] ?? '')),
    tokenFor(callee, overrides = {}) {
      const aud = callee === 'ads' ? ADS : callee === 'payment' ? PAYMENT : callee;
      const own = { aud, scope: 'show', act: { sub: 'checkout' }, jti: `T1.b${desk.asked.length}.0` };
      return issuer.token({ ...own, ...overrides });
    },
    async contextOf(overrides = {}, options = {}) {
      const token = await issuer.token({ on_demand: { ads: ADS, payment: PAYMENT }, ...overrides });
      const given = { credentials: CREDENTIALS, clock: () => desk.now, ...options };
      return extractorFor(issuer, given).authenticate({ authorization: `Bearer ${token}` });
    },
  };
  issuer.metadata = { token_endpoint: `${issuer.url}/token` };
  issuer.intercept = (request, response) => {
    if (request.url !== '/token') return false;
    let body = '';
    request.setEncoding('utf8').on('data', (data: string) => (body += data));
    request.on('end', () => {
      const { authorization } = request.headers;
      const one = { authorization, form: Object.fromEntries(new URLSearchParams(body)) };
      desk.asked.push(one);
      void desk.answer(response, one);
    });
    return true;
  };
  return desk;
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function granted(response: ServerResponse, access_token: string): void {
  json(response, 200, { access_token, token_type: 'Bearer', expires_in: 300 });
}
