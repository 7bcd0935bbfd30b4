/**
 * Threat 4: a service that may do more than its callers is talked into doing it for them. Its own rights are in no token:
 * it sees the user and the calling service of this very request, and decides by both.
 */
import { expect } from 'chai';
import express, { type Request, type Response as Answer } from 'express';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { extractor } from '../../../src/middleware/index.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';

const graph = (url: string, archive: string): string => `
waybill: 1
issuer: { url: '${url}' }
defaults: { identity: 'spiffe://shop.example/{name}', headers: { profile: go } }
clients:
  alice: { auth: { method: client_secret_basic, secret_env: A }, calls: { front: [read] } }
  bob: { auth: { method: client_secret_basic, secret_env: B }, calls: { front: [read] } }
  robot: { auth: { method: client_secret_basic, secret_env: R }, calls: { crawler: [run] } }
services:
  front: { scopes: { read: { calls: { archive: [open] } } } }
  crawler: { scopes: { run: { calls: { archive: [open] } } } }
  archive: { audience: '${archive}', scopes: { open: {} } }
`;

describe('A service that many call', () => {
  let issuer: TestIssuer;
  let server: Server;
  let archive: string;

  before(async () => {
    const app = express().set('env', 'test');
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    archive = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    issuer = await startIssuer((url) => graph(url, archive));
    const waybill = extractor({ issuer: issuer.url, audience: archive, caller: 'none' });
    app.get('/letters/:owner', waybill.protect({ scope: 'open' }), (request: Request, response: Answer) => {
      const { sub, act } = request.waybill.claims;
      const allowed = sub === request.params['owner'] && act?.sub === 'spiffe://shop.example/front';
      response.sendStatus(allowed ? 200 : 403);
    });
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await stopIssuers();
  });

  async function open(owner: string, as: string, scope: string): Promise<number> {
    const answer = await issuer.token({ grant_type: 'client_credentials', scope }, { as });
    const { compact } = tokenAt(answer.body['access_token'] ?? '', 'archive');
    const { status } = await fetch(`${archive}/letters/${owner}`, {
      headers: { authorization: `Bearer ${compact}` },
    });
    return status;
  }

  it('threat 4: knows for whom it is called, whatever the request asks for', async () => {
    expect(await open('alice', 'alice', 'read')).to.equal(200);
    expect(await open('bob', 'bob', 'read')).to.equal(200);
    expect(await open('alice', 'bob', 'read')).to.equal(403);
  });

  it('threat 4: knows which service calls it, though the scope is the same', async () => {
    expect(await open('robot', 'robot', 'run')).to.equal(403);
  });
});
