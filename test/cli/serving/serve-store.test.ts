import path from 'node:path';

import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { opaqueGraph } from '../../support/issuer/opaque.ts';
import { freePort } from '../../support/http.ts';
import { run, serve, stopServing, type Served } from '../../support/program.ts';
import { hasRedisServer, needsRedisServer, startRedis, type RedisServer } from '../../support/redis.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const PASSWORD = 'pa55word-of-redis';
const env = Object.fromEntries(
  ['WEB', 'APP', 'EDGE', 'SHOP', 'PAY', 'BACK'].map((name) => [name, `secret of ${name}`]),
);

describe(`waybill serve --store${needsRedisServer}`, () => {
  let redis: RedisServer | undefined;
  let store: string;
  before(async function () {
    if (!hasRedisServer) this.skip();
    redis = await startRedis({ password: PASSWORD });
    store = redis.url;
  });
  after(async () => {
    await stopServing();
    removeScratch();
    await redis?.remove();
  });

  const post = async (served: Served, at: string, as: string, form: Record<string, string>, accept = '*/*') =>
    fetch(`${served.url}${at}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { accept, authorization: `Basic ${btoa(`${as}:secret+of+${as.toUpperCase()}`)}` },
    });
  const swap = async (served: Served, token: string) =>
    post(served, '/introspect', 'shop', { token }, 'application/jwt');

  it('two processes share opaque tokens and revocations, and show no password', async () => {
    const port = await freePort();
    const graph = scratchFile('graph.yaml', opaqueGraph(`http://127.0.0.1:${port}`));
    const common = [graph, '--keys', path.join(scratchFolder(), 'keys.json'), '--no-watch'];
    const first = await serve([...common, '--port', String(port), '--store', store], { env });
    const second = await serve([...common, '--port', '0'], { env: { ...env, WAYBILL_STORE: store } });
    const answer = await post(first, '/token', 'web', { grant_type: 'client_credentials', scope: 'order' });
    const { access_token: reference } = (await answer.json()) as { access_token: string };
    const swapped = await swap(second, reference);
    expect(swapped.status).to.equal(200);
    expect(decodeJwt(await swapped.text())).to.include({ client_id: 'web', iss: first.url });
    expect((await post(second, '/revoke', 'web', { token: reference })).status).to.equal(200);
    expect((await swap(first, reference)).status).to.equal(204);
    expect((await fetch(`${second.url}/readyz`)).status).to.equal(200);
    for (const served of [first, second]) {
      expect(served.output())
        .to.not.contain(PASSWORD)
        .and.to.not.match(/wbo_|eyJ/);
    }
  });

  it('RFC 6585 section 4: two processes share the count of failures, by the address that a proxy names', async () => {
    const graph = scratchFile('graph.yaml', opaqueGraph('http://127.0.0.1:8080'));
    const common = [graph, '--keys', path.join(scratchFolder(), 'keys.json'), '--no-watch', '--port', '0'];
    const options = [...common, '--store', store, '--forwarded-from', '127.0.0.0/8'];
    const [first, second] = [await serve(options, { env }), await serve(options, { env })];
    const attempt = async ({ url }: Served, secret: string, from: string) =>
      (
        await fetch(`${url}/revoke`, {
          method: 'POST',
          body: new URLSearchParams({ token: 'x' }),
          headers: { authorization: `Basic ${btoa(`web:${secret}`)}`, 'x-forwarded-for': from },
        })
      ).status;
    const [attacker, client] = ['198.51.100.7', '198.51.100.8'];
    for (let time = 0; time < 10; time += 1)
      expect(await attempt(first, `guess-${time}`, attacker)).to.equal(401);
    expect(await attempt(second, 'secret+of+WEB', attacker)).to.equal(429);
    expect(await attempt(second, 'secret+of+WEB', client)).to.equal(200);
    expect(await second.logged('blocked')).to.include({ level: 40, address: attacker });
    expect(first.output() + second.output()).to.not.contain('guess-');
  });

  it('refuses an invalid address, without quoting it', async () => {
    const graph = scratchFile('graph.yaml', opaqueGraph('http://127.0.0.1:8080'));
    const keys = path.join(scratchFolder(), 'keys.json');
    const options = ['--port', '0', '--keys', keys, '--store', `http://:${PASSWORD}@host`];
    const { code, stdout, stderr } = await run(['serve', graph, ...options], { env });
    expect([code, stderr.includes('redis://')]).to.deep.equal([2, true]);
    expect(stdout + stderr).to.not.contain(PASSWORD);
  });
});
