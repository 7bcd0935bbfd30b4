/** Real services before a real issuer: a call that is on demand, all the way down. */
import { expect } from 'chai';
import express from 'express';
import type { Express, Request, Response as Answer } from 'express';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { extractor, isWaybillError, type ExtractorOptions } from '../../../src/middleware/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { store } from '../../support/graphs/store.ts';

type Seen = Readonly<Record<string, unknown>>;

describe('Services before a real issuer', () => {
  const servers: Server[] = [];
  let issuer: TestIssuer;
  let shop: string;
  let ads: string;
  let bids: string;
  /** What a service sees of its token, by name. */
  let seen: Record<string, Seen[]>;

  before(async () => {
    const apps = new Map<string, Express>();
    const start = async (name: string): Promise<string> => {
      apps.set(name, express().set('env', 'test'));
      const server = createServer({ maxHeaderSize: 128 * 1024 }, apps.get(name));
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    [shop, ads, bids] = [await start('shop'), await start('ads'), await start('bids')];
    issuer = await startIssuer((url) => store({ url, audiences: { shop, ads, bids } }));
    /** A service that shows what it saw, and calls on. */
    const serve = (
      name: string,
      audience: string,
      scope: string,
      calls: (request: Request) => Promise<unknown>,
    ): void => {
      const credentials = { clientId: name, secret: secretOf(name) };
      const options: ExtractorOptions = {
        issuer: issuer.url,
        audience,
        caller: 'none',
        ...(name === 'bids' ? {} : { credentials }),
      };
      const waybill = extractor(options);
      apps.get(name)?.get('/', waybill.protect({ scope }), (request: Request, response: Answer) => {
        (seen[name] ??= []).push(request.waybill.claims);
        calls(request).then(
          (value) => response.json(value),
          (error: unknown) =>
            response.status(502).json({ code: isWaybillError(error) ? error.code : String(error) }),
        );
      });
    };
    const called = async (request: Request, address: string): Promise<unknown> =>
      (await request.waybill.fetch(`${address}/`)).json();
    serve('shop', shop, 'look', async (request) =>
      called(request, request.query['to'] === 'bids' ? bids : ads),
    );
    serve('ads', ads, 'show', async (request) => called(request, bids));
    serve('bids', bids, 'place', async () => Promise.resolve('placed'));
  });
  beforeEach(() => {
    seen = {};
  });
  after(async () => {
    for (const server of servers) server.closeAllConnections();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    await stopIssuers();
  });

  async function rootFor(scope: string): Promise<string> {
    return (await issuer.token({ grant_type: 'client_credentials', scope, resource: shop }, { as: 'web' }))
      .body['access_token'] as string;
  }

  const get = async (token: string, query = '') =>
    fetch(`${shop}/${query}`, { headers: { authorization: `Bearer ${token}` } });
  const exchanges = () => issuer.logLines().filter(({ caller }) => caller !== undefined).length;

  it('each fetches the token of the next, which sees whose call it is and who makes it', async () => {
    const token = await rootFor('look');
    const response = await get(token);
    expect([response.status, await response.json()]).to.deep.equal([200, 'placed']);
    const { txn } = tokensOf(token)[0]?.payload ?? {};
    const common = { iss: issuer.url, sub: 'web', client_id: 'web', txn };
    expect(seen['shop']?.[0]).to.deep.include({ ...common, on_demand: { ads } });
    expect(seen['ads']?.[0]).to.deep.include({
      ...common,
      aud: ads,
      scope: 'show track',
      tier: 'gold',
      act: { sub: 'spiffe://example/shop' },
    });
    expect(seen['bids']?.[0]).to.deep.include({
      ...common,
      aud: bids,
      scope: 'place',
      act: { sub: 'spiffe://example/ads' },
    });
    const callers = issuer
      .logLines()
      .flatMap(({ caller, entry, txn: of }) =>
        of === txn && caller ? [`${caller as string} → ${entry as string}`] : [],
      );
    expect(callers).to.deep.equal(['shop → ads', 'ads → bids']);
  });

  it('a hundred requests with one token make one exchange for each hop', async () => {
    const [token, before] = [await rootFor('look'), exchanges()];
    const all = await Promise.all(Array.from({ length: 100 }, async () => (await get(token)).status));
    expect(new Set(all)).to.deep.equal(new Set([200]));
    expect(exchanges() - before).to.equal(2);
    expect(new Set(seen['ads']?.map(({ jti }) => jti)).size).to.equal(1);
  });

  it('threat 3: what was fetched for one transaction is not used in another', async () => {
    for (const token of [await rootFor('look'), await rootFor('look')]) await get(token);
    expect(new Set(seen['bids']?.map(({ txn }) => txn)).size).to.equal(2);
  });

  it('threat 5: a callee that the token does not name fails closed, nothing is sent', async () => {
    const [token, before] = [await rootFor('look'), exchanges()];
    const response = await get(token, '?to=bids');
    expect([response.status, await response.json()]).to.deep.equal([502, { code: 'child_missing' }]);
    expect(seen).to.not.have.property('bids');
    expect(exchanges()).to.equal(before);
  });

  it('reports a secret that the issuer does not know, with the reason', async () => {
    const credentials = { clientId: 'shop', secret: 'a wrong secret' };
    const waybill = extractor({ issuer: issuer.url, audience: shop, caller: 'none', credentials });
    const context = await waybill.authenticate({ authorization: `Bearer ${await rootFor('look')}` });
    const error: unknown = await context.obtainHeaders('ads').catch((thrown: unknown) => thrown);
    if (!isWaybillError(error)) throw new Error('it was fetched');
    expect(error.code).to.equal('exchange_refused');
    expect(error.message).to.contain('invalid_client').and.not.contain('a wrong secret');
  });

  it('what was fetched has the members of an embedded token, in their order, and no other', async () => {
    await get(await rootFor('look'));
    const members = Object.keys(seen['ads']?.[0] ?? {});
    expect(members).to.deep.equal([
      'iss',
      'aud',
      'sub',
      'client_id',
      'scope',
      'iat',
      'exp',
      'jti',
      'txn',
      'act',
      'tier',
      'region',
      'on_demand',
    ]);
  });

  it('threat 15: nothing of a token or a secret is in the log', () => {
    const text = issuer.logText();
    for (const name of ['web', 'shop', 'ads']) expect(text).to.not.contain(secretOf(name));
    expect(text).to.not.match(/eyJ[\w-]{20,}/);
    expect(text).to.not.contain('a wrong secret');
    expect(issuer.logLines().filter(({ level }) => level >= 50)).to.deep.equal([]);
  });
});
