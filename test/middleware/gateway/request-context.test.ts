/** What a gateway says of each request, with a real issuer behind it. */
import { expect } from 'chai';
import express from 'express';

import {
  extractor,
  gateway,
  type GatewayOptions,
  type RequestValues,
} from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { requestGraph } from '../../support/graphs/request-claims.ts';
import { closeServers, listen } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { isIntrospection } from '../services.ts';

const SHOP = 'https://shop.test.example';

describe('The gateway and the context of a request', () => {
  let issuer: TestIssuer;
  let asked: number;

  before(async () => {
    issuer = await startIssuer((url) => requestGraph(url));
  });
  beforeEach(() => {
    asked = 0;
  });
  afterEach(closeServers);
  after(stopIssuers);

  const counting: typeof fetch = async (input, init) => {
    if (isIntrospection(input)) asked += 1;
    return fetch(input, init);
  };

  const made = (options: Partial<GatewayOptions> = {}) =>
    gateway({
      issuer: issuer.url,
      credentials: { clientId: 'edge', secret: secretOf('edge') },
      fetch: counting,
      ...options,
    });

  /** A gateway that takes the address of the caller from a header, as behind a proxy, and a service behind it. */
  async function edge(options: Partial<GatewayOptions> = {}): Promise<string> {
    const app = express();
    const requestContext = ({ headers }: { headers: Record<string, unknown> }) =>
      ({ ip: headers['x-real-ip'] }) as RequestValues;
    const inside = extractor({ issuer: issuer.url, audience: SHOP, caller: 'none' });
    app.use(
      made({ requestContext, ...options }).protect({ audience: SHOP }),
      inside.protect(),
      (request, response) => {
        response.json(request.waybill.claims);
      },
    );
    return listen(app);
  }

  async function tokenFor(as: string): Promise<string> {
    const form = { grant_type: 'client_credentials', scope: as === 'web' ? 'look' : 'read' };
    return (
      (await issuer.token({ ...form, request_details: '{"amount":5}' }, { as })).body['access_token'] ?? ''
    );
  }

  async function call(at: string, token: string, ip?: string) {
    const headers = { authorization: `Bearer ${token}`, ...(ip === undefined ? {} : { 'x-real-ip': ip }) };
    const response = await fetch(at, { headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  it('X3: comes with the token of this request, however many come at once with the same reference', async () => {
    const at = await edge();
    const reference = await tokenFor('web');
    const addresses = Array.from({ length: 8 }, (_, n) => `192.0.2.${n % 4}`);
    const answers = await Promise.all(addresses.map((ip) => call(at, reference, ip)));
    expect(answers.map(({ body }) => body['ip'])).to.deep.equal(addresses);
    expect(asked).to.equal(4);
  });

  it('threat 61: X6: is part of the key under which swaps are cached', async () => {
    const at = await edge();
    const reference = await tokenFor('web');
    for (const ip of ['192.0.2.1', '192.0.2.2', '192.0.2.1', undefined, '192.0.2.2', undefined])
      expect((await call(at, reference, ip)).body['ip']).to.equal(ip);
    expect(asked).to.equal(3);
    expect((await call(at, reference)).body).to.include({ amount: 5 });
  });

  it('is not sent with a token that is no reference', async () => {
    const { status, body } = await call(await edge(), await tokenFor('till'), '192.0.2.1');
    expect([status, 'ip' in body]).to.deep.equal([200, false]);
  });

  it('that the issuer refuses fails the request, and the reason is for the log', async () => {
    const headers = [['authorization', `Bearer ${await tokenFor('web')}`]] as const;
    const swap = (requestContext: RequestValues) => made().swap({ audience: SHOP, headers, requestContext });
    const { detail } = await failure('introspection_refused', () => swap({ amount: 4711 }), '4711');
    expect(detail).to.match(/answered 400: The claim amount is set by the client/);
    expect((await swap({ ip: '192.0.2.1' })).token).to.be.a('string');
  });

  it('of another shape is a wrong use', async () => {
    const headers = [['authorization', `Bearer ${await tokenFor('web')}`]] as const;
    for (const wrong of ['text', [], { ip: 1.5 }, { ip: null }, { ip: {} }, { ip: [1] }])
      await failure('usage', () =>
        made().swap({ audience: SHOP, headers, requestContext: wrong as unknown as RequestValues }),
      );
    expect(() => made({ requestContext: {} as never })).to.throw('requestContext must be a function');
  });

  it('that cannot be made lets nothing pass', async () => {
    const at = await edge({
      requestContext: () => {
        throw new Error('no address');
      },
    });
    const response = await fetch(at, { headers: { authorization: `Bearer ${await tokenFor('web')}` } });
    expect([response.status, asked]).to.deep.equal([500, 0]);
  });
});
