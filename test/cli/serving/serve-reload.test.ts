import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { expect } from 'chai';
import { SignJWT } from 'jose';

import { generate } from '../../../scripts/scale/generate.ts';
import { makeSigner } from '../../support/keys/signer.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { basic, send } from '../../support/http.ts';
import { ask as askAs, serve, stopServing, type Served } from '../../support/program.ts';
import { JWT_BEARER, now, pair, type Pair } from '../../support/issuer/keyed.ts';

const ISSUER = 'http://127.0.0.1:8080';
const COMMON = `waybill: 1
name: shop
issuer: { url: '${ISSUER}' }
defaults: { headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [place, read] }
`;
const orders = (...scopes: string[]) =>
  `services:\n  orders: { scopes: { ${scopes.map((scope) => `${scope}: {}`).join(', ')} } }\n`;
const GRAPH = COMMON + orders('place', 'read');
/** The same with one scope more that the client may ask for. */
const MORE = GRAPH.replace('[place, read]', '[place, read, cancel]').replace(
  'read: {}',
  'read: {}, cancel: {}',
);
const BROKEN = GRAPH.replace('read: {}', '');
const KEPT = 'a key set cannot be used; the keys from before stay in place';
const env = { WEB_SECRET: 'web secret', BOT_SECRET: '' };

const ask = async (served: Served, scope: string) => askAs(served, env.WEB_SECRET, scope);

/** As editors do: a file beside it takes its name. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.tmp~`, text);
  renameSync(`${file}.tmp~`, file);
}

describe('waybill serve, while it runs', () => {
  afterEach(stopServing);
  after(removeScratch);

  async function running(...args: string[]): Promise<{ served: Served; file: string }> {
    const file = scratchFile('shop.yaml', GRAPH);
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([file, '--port', '0', '--keys', keys, ...args], { env });
    expect((await ask(served, 'cancel')).body['error']).to.equal('invalid_scope');
    return { served, file };
  }

  it('reloads a file that is rewritten', async () => {
    const { served, file } = await running();
    writeFileSync(file, MORE);
    const { before, now } = await served.logged('reloaded');
    expect(before).to.not.equal(now);
    expect((await ask(served, 'cancel')).status).to.equal(200);
    expect((await send(`${served.url}/readyz`)).body['graph']).to.equal(now);
  });

  it('reloads a file that is replaced, as editors do, again and again', async () => {
    const { served, file } = await running();
    replace(file, MORE);
    await served.logged('reloaded');
    expect((await ask(served, 'cancel')).status).to.equal(200);
    replace(file, GRAPH);
    await served.logged('reloaded');
    expect((await ask(served, 'cancel')).body['error']).to.equal('invalid_scope');
  });

  it('uses a replaced secret, even if the new graph cannot be used', async () => {
    const secret = scratchFile('web.secret', 'first');
    const graph = GRAPH.replace('secret_env: WEB_SECRET', `secret_file: ${secret}`);
    const file = scratchFile('shop.yaml', graph);
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([file, '--port', '0', '--keys', keys]);
    const status = async (text: string) => (await askAs(served, text, 'read')).status;
    let before = 'first';
    const unusable = [
      ['the graph has errors; the running one stays in place', graph.replace('read: {}', '')],
      [
        'reloading failed; the running graph stays in place',
        graph.replace(
          'clients:',
          'clients:\n  bot: { auth: { method: client_secret_basic, secret_file: no.secret }, calls: { orders: [read] } }',
        ),
      ],
    ] as const;
    for (const [says, text] of unusable) {
      replace(file, text);
      await served.logged(says);
      replace(secret, `after ${before}`);
      await served.logged('the running graph uses its changed files');
      expect([await status(before), await status(`after ${before}`)]).to.deep.equal([401, 200]);
      before = `after ${before}`;
    }
  });

  it('keeps running when a secret is emptied, or a key set is emptied or truncated, and the log says why', async () => {
    const secret = scratchFile('web.secret', 'first');
    const { publicJwk } = await makeSigner();
    const set = scratchFile('bot.jwks', JSON.stringify({ keys: [publicJwk] }));
    const graph = GRAPH.replace('secret_env: WEB_SECRET', `secret_file: ${secret}`).replace(
      'clients:',
      `clients:\n  bot: { auth: { method: private_key_jwt, jwks_file: '${set}' }, calls: { orders: [read] } }`,
    );
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([scratchFile('shop.yaml', graph), '--port', '0', '--keys', keys]);
    for (const [file, text, message, says] of [
      [set, '{"keys":[]}', KEPT, /key set of bot has no usable key/],
      [set, '', KEPT, /bot has no key set/],
      [set, '{"keys":[{"kty":"EC",', KEPT, /bot has no key set/],
      [secret, '', 'reloading failed; the running graph stays in place', /secret.*web/i],
    ] as const) {
      replace(file, text);
      const { reason } = await served.logged(message);
      expect(reason).to.match(says);
      expect((await askAs(served, 'first', 'read')).status).to.equal(200);
    }
  }).timeout(60_000);

  it('a broken key set keeps nobody else from new keys: its party keeps the old ones, and the log names it', async () => {
    const names = ['bot', 'agent', 'probe'] as const;
    const file = (name: string) => path.join(folder, `${name}.jwks`);
    const folder = scratchFolder();
    const publish = async (name: string) => {
      const key = await pair('ES256', 'k');
      replace(file(name), JSON.stringify({ keys: [key.publicJwk] }));
      return key;
    };
    const [bot, agent, probe] = [await publish('bot'), await publish('agent'), await publish('probe')];
    const client = (name: string) =>
      `  ${name}: { auth: { method: private_key_jwt, jwks_file: '${file(name)}' }, calls: { orders: [read] } }\n`;
    const graph = GRAPH.replace('clients:\n', `clients:\n${names.map(client).join('')}`);
    const shop = scratchFile('shop.yaml', graph);
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([shop, '--port', '0', '--keys', keys, '--no-watch'], { env });
    const status = async (name: string, { privateKey }: Pair) => {
      const claims = { iss: name, sub: name, aud: ISSUER, jti: randomUUID(), iat: now(), exp: now() + 60 };
      const client_assertion = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .sign(privateKey);
      const form = {
        ...{ grant_type: 'client_credentials', scope: 'read' },
        ...{ client_assertion_type: JWT_BEARER, client_assertion },
      };
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const body = new URLSearchParams(form).toString();
      return (await send(`${served.url}/token`, { method: 'POST', headers, body })).status;
    };
    const reload = async () => {
      served.child.kill('SIGHUP');
      await served.logged('reloading');
    };

    replace(file('bot'), '{"keys":[{"kty":');
    rmSync(file('probe'));
    const newAgent = await publish('agent');
    await reload();
    const told = [await served.logged(KEPT), await served.logged(KEPT)];
    expect(told.map(({ parties }) => parties)).to.deep.equal([['bot'], ['probe']]);
    expect(told[0]).to.include({ level: 50, file: file('bot') });
    await served.logged('reloaded');
    expect([await status('agent', newAgent), await status('agent', agent)]).to.deep.equal([200, 401]);
    expect([await status('bot', bot), await status('probe', probe)]).to.deep.equal([200, 200]);

    // Also while the graph has errors, and where a changed one comes.
    const [newerAgent] = [await publish('agent'), replace(shop, graph.replace('read: {}', ''))];
    await reload();
    await served.logged(KEPT);
    await served.logged('the running graph uses its changed files');
    expect([await status('agent', newerAgent), await status('bot', bot)]).to.deep.equal([200, 200]);
    replace(shop, graph.replace('read: {}', 'read: {}, cancel: {}'));
    const newBot = await publish('bot');
    await reload();
    expect((await served.logged(KEPT))['parties']).to.deep.equal(['probe']);
    await served.logged('reloaded');
    expect([await status('bot', newBot), await status('probe', probe)]).to.deep.equal([200, 200]);

    // Keys from another file are not what the graph asks for now.
    replace(shop, graph.replace(`'${file('probe')}'`, `'${file('elsewhere')}'`));
    await reload();
    const refused = await served.logged('reloading failed; the running graph stays in place');
    expect(refused['reason']).to.contain('probe');
  });

  it('reloads a folder for a changed, a new and a nested file', async () => {
    const folder = scratchFolder();
    scratchFile('common.yaml', COMMON, folder);
    const team = scratchFile('teams/orders.yaml', `waybill: 1\n${orders('place', 'read')}`, folder);
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([folder, '--port', '0', '--keys', keys], { env });
    replace(team, `waybill: 1\n${orders('place', 'read', 'extra')}`);
    await served.logged('reloaded');
    scratchFile('teams/mail.yaml', 'waybill: 1\nservices: { mail: { scopes: { send: {} } } }\n', folder);
    const { before, now } = await served.logged('reloaded');
    expect(before).to.not.equal(now);
  });

  it('ignores other files beside a single graph file', async () => {
    const { served, file } = await running();
    const folder = path.dirname(file);
    scratchFile('other.yaml', 'not: [a, graph', folder);
    scratchFile('deep/below/other.yaml', 'waybill: 1', folder);
    writeFileSync(file, MORE);
    await served.logged('reloaded');
    const causes = served.logLines().filter(({ msg }) => msg === 'reloading');
    expect(causes.map(({ cause }) => cause)).to.deep.equal([file]);
  });

  it('keeps the running graph if the new one has errors, and logs them', async () => {
    const { served, file } = await running();
    writeFileSync(file, BROKEN);
    const stays = await served.logged('the graph has errors; the running one stays in place');
    expect(stays).to.include({ level: 50, errors: 1 });
    const finding = served.logLines().find(({ code }) => code === 'unknown-scope');
    expect(finding).to.include({ level: 50, file, line: 8 });
    expect((await ask(served, 'read')).status).to.equal(200);
    writeFileSync(file, MORE);
    await served.logged('reloaded');
    expect((await ask(served, 'cancel')).status).to.equal(200);
  });

  it('SIGHUP reloads the graph, with --no-watch too', async () => {
    const { served, file } = await running('--no-watch');
    writeFileSync(file, MORE);
    served.child.kill('SIGHUP');
    expect(await served.logged('reloading')).to.include({ cause: 'SIGHUP' });
    await served.logged('reloaded');
    expect((await ask(served, 'cancel')).status).to.equal(200);
  });

  it('makes one reload of signals that arrive together, and one more of those that arrive while it runs', async () => {
    const { served, file } = await running('--no-watch');
    writeFileSync(file, MORE);
    for (let n = 0; n < 20; n += 1) {
      served.child.kill('SIGHUP');
      await pause(3); // the system merges signals that are still pending
    }
    await served.logged('reloaded');
    for (let n = 0; n < 20; n += 1) {
      served.child.kill('SIGHUP');
      await pause(3);
    }
    await served.logged('reloaded');
    const reloads = () => served.logLines().filter(({ msg }) => msg === 'reloading').length;
    expect(reloads()).to.be.within(2, 4);
    served.child.kill('SIGHUP');
    await served.logged('reloaded');
    expect(reloads()).to.be.within(3, 5);
  });

  it('answers requests from the running graph while it reads a large graph again', async () => {
    const folder = scratchFolder();
    for (const [name, text] of generate({ services: 1_000, calls: 10_000, clients: 1, files: 10 }))
      scratchFile(name, text.replace(/secret_env: SECRET_\d+/g, 'secret_env: WEB_SECRET'), folder);
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([folder, '--port', '0', '--keys', keys], {
      env: { ...env, CLIENT_0: 'web secret' },
    });
    const asked = async () => {
      const answer = await send(`${served.url}/token`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: basic('client-0', 'web secret'),
        },
        body: 'grant_type=client_credentials&scope=read&resource=https%3A%2F%2Fservice-0.scale.example',
      });
      expect(answer.status).to.equal(200);
    };
    const team = path.join(folder, 'team-0000.yaml');
    writeFileSync(team, readFileSync(team, 'utf8').replace('owner: team-0', 'owner: somebody-else'));
    const messages = () => served.logLines().map(({ msg }) => msg);
    while (!messages().includes('reloaded')) await asked();
    const during = messages().slice(messages().indexOf('reloading'), messages().indexOf('reloaded'));
    expect(during.filter((msg) => msg === 'issued').length).to.be.above(10);
    const digest = (msg: string, member: string) =>
      served.logLines().find((line) => line.msg === msg)?.[member];
    expect(digest('reloaded', 'before')).to.equal(digest('started', 'digest'));
    expect((await send(`${served.url}/readyz`)).body['graph']).to.equal(digest('reloaded', 'now'));
  });

  it('ends at once, even while it reads a large graph again', async () => {
    const folder = scratchFolder();
    for (const [name, text] of generate({ services: 2_000, calls: 20_000, clients: 1, files: 10 }))
      scratchFile(name, text.replace(/secret_env: \w+/g, 'secret_env: WEB_SECRET'), folder);
    const keys = path.join(scratchFolder(), 'keys.json');
    const served = await serve([folder, '--port', '0', '--keys', keys, '--no-watch'], { env });
    served.child.kill('SIGHUP');
    await served.logged('reloading');
    expect(await served.stop()).to.equal(0);
    const messages = served.logLines().map(({ msg }) => msg);
    expect(messages.slice(messages.indexOf('reloading'))).to.deep.equal(['reloading', 'stopping', 'stopped']);
  });

  it('keeps the running graph for a client without a secret or another issuer URL, and says why', async () => {
    const { served, file } = await running('--no-watch');
    const reloadWith = (text: string) => {
      writeFileSync(file, text);
      served.child.kill('SIGHUP');
    };
    reloadWith(MORE.replace('WEB_SECRET', 'BOT_SECRET'));
    const secret = await served.logged('reloading failed; the running graph stays in place');
    expect(secret['reason']).to.contain('web (environment variable BOT_SECRET)');
    reloadWith(MORE.replace(':8080', ':9090'));
    await served.logged("the issuer's URL changed, which takes a restart; the running graph stays in place");
    expect((await ask(served, 'cancel')).body['error']).to.equal('invalid_scope');
  });
});
