/** A real issuer, its tokens, and a sidecar of the service that is called first, with its checks on a real port. */
import { Sidecar, httpChecks, type DecisionReport, type SidecarOptions } from '../../src/mesh/index.ts';
import type { ExtractorOptions } from '../../src/middleware/index.ts';
import { closeServers, listen } from '../support/http.ts';
import { secretOf } from '../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../support/issuer/start.ts';

export const FRONT = 'https://front.shop.example';

/** `front` carries the token for stock, and fetches that for ads; `lonely` calls nobody. */
const graph = (url: string, encoding: string) => `
waybill: 1
issuer: { url: '${url}', encoding: ${encoding} }
defaults: { audience: 'https://{name}.shop.example', identity: 'spiffe://shop.example/{name}', headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    calls: { front: [order, look] }
services:
  front:
    auth: { method: client_secret_basic, secret_env: S }
    calls: { ads: { scopes: [show], mode: exchange } }
    scopes: { look: {}, order: { calls: { stock: [reserve] } } }
  stock: { auth: { method: client_secret_basic, secret_env: S }, scopes: { reserve: {} } }
  ads: { scopes: { show: {} } }
`;

export interface RunningSidecar {
  readonly sidecar: Sidecar;
  /** Of its checks. */
  readonly url: string;
  readonly decisions: DecisionReport[];
}

export interface Shop {
  readonly issuer: TestIssuer;
  /** The root token of the client `web`. */
  root(scope?: string): Promise<string>;
  start(options?: Partial<SidecarOptions>, more?: Partial<ExtractorOptions>): Promise<RunningSidecar>;
  /** Closes every shop that is open, and its sidecars. */
  close(): Promise<void>;
}

export async function openShop(encoding: 'nested' | 'packed' = 'nested'): Promise<Shop> {
  const issuer = await startIssuer((url) => graph(url, encoding));
  return {
    issuer,
    async root(scope = 'order look') {
      const answer = await issuer.token({ grant_type: 'client_credentials', scope }, { as: 'web' });
      if (answer.status !== 200) throw new Error(answer.text);
      return answer.body['access_token'] ?? '';
    },
    async start(options = {}, more = {}) {
      const decisions: DecisionReport[] = [];
      const sidecar = new Sidecar({
        extractor: {
          issuer: issuer.url,
          audience: FRONT,
          caller: 'none',
          credentials: { clientId: 'front', secret: secretOf('front') },
          ...more,
        },
        correlation: 'authorization',
        handleBytes: 1_000_000,
        claimsHeader: false,
        operations: undefined,
        open: [],
        callees: { 'stock:8080': 'stock', ads: 'ads' },
        maxRequests: 1_000,
        onDecision: (decision) => decisions.push(decision),
        ...options,
      });
      const url = await listen(httpChecks(sidecar), { maxHeaderSize: 96 * 1024 });
      return { sidecar, url, decisions };
    },
    async close() {
      await Promise.all([closeServers(), stopIssuers()]);
    },
  };
}

/** The claims of a token, unverified. */
export function claimsOf(authorization: string | null | undefined): Readonly<Record<string, unknown>> {
  const [, payload = ''] = (authorization ?? '').replace(/^Bearer /, '').split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
