/** What an adapter is tested in: a real issuer, a service behind the adapter, and one that it calls. */
import path from 'node:path';

import {
  extractor,
  type Extractor,
  type ExtractorOptions,
  type RequestContext,
} from '../../../src/middleware/index.ts';
import { testIssuer, type TestIssuer } from '../../../src/testing/index.ts';
import { closeServers, listen } from '../../support/http.ts';

/** What the service does with a request that passed. */
export type Work = (context: RequestContext) => Promise<object>;

/** What a caller of the service got. */
export interface Outcome {
  /** Of HTTP; an adapter without HTTP translates. */
  readonly status: number;
  /** The code of a refusal. */
  readonly code?: string | undefined;
  readonly challenge?: string | undefined;
  /** What `Work` returned. */
  readonly result?: Record<string, unknown> | undefined;
}

/** A service behind an adapter. */
export interface Service {
  /** Sends one request with an `Authorization` header for each value. */
  send(...authorizations: readonly string[]): Promise<Outcome>;
  /** The code of the error with which `current()` fails outside of every protected request, on the same connections. */
  open(): Promise<string>;
  close(): Promise<void>;
}

export type Start = (waybill: Extractor, scope: string, work: Work) => Promise<Service>;

export interface World {
  readonly issuer: TestIssuer;
  /** The address of the service `stock`, which answers whom its token names. */
  readonly stock: string;
  /** How often it was called. */
  calls(): number;
  /** The extractor of `shop`. */
  shop(options?: Partial<ExtractorOptions>): Extractor;
  /** The header of a token for `shop`. */
  bearer(client: 'web' | 'app', scope: string, encoding?: 'nested' | 'packed'): Promise<string>;
  close(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const issuer = await testIssuer(path.join(import.meta.dirname, 'graph.yaml'), { port: 0 });
  let calls = 0;
  const protect = extractor(issuer.extractorOptions('stock')).protect({ scope: 'reserve' });
  const stock = await listen((request, response) => {
    calls += 1;
    protect(request, response, () => {
      const { claims } = (request as unknown as { waybill: RequestContext }).waybill;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ for: claims.client_id, by: claims.act?.sub }));
    });
  });
  return {
    issuer,
    stock,
    calls: () => calls,
    shop: (options = {}) =>
      extractor({ ...issuer.extractorOptions('shop'), fetch, routes: { [stock]: 'stock' }, ...options }),
    async bearer(client, scope, encoding = 'nested') {
      const party = issuer.plan.clients.get(client)!;
      const { token } = await issuer.issuer.issue(party, { scopes: [scope], encoding });
      return `Bearer ${token}`;
    },
    async close() {
      await closeServers();
      await issuer.close();
    },
  };
}
