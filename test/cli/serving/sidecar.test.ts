/** `waybill sidecar`, as it is started: its ports, its log, its end. */
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

import { expect } from 'chai';

import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { send } from '../../support/http.ts';
import { LOOPBACK, testCa } from '../../support/keys/certificates.ts';
import { run, sidecar, stopServing } from '../../support/program.ts';
import { listenTls, stopTlsServers } from '../../support/tls.ts';
import { FRONT, openShop, type Shop } from '../../mesh/shop.ts';

const ANY = '127.0.0.1:0';

/** The fingerprint of the certificate that a server shows. */
async function shownBy(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe('waybill sidecar', function () {
  this.timeout(120_000);
  let shop: Shop;
  let token: string;
  let app: Server;
  let upstream: string;
  let answer: (incoming: IncomingMessage, response: ServerResponse) => void;

  before(async () => {
    shop = await openShop();
    token = await shop.root();
    app = createServer((incoming, response) => answer(incoming, response));
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    upstream = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    answer = (_incoming, response) => void response.end('hello');
  });
  after(async () => {
    await Promise.all([stopServing(), stopTlsServers()]);
    app.closeAllConnections();
    app.close();
    await shop.close();
    removeScratch();
  });

  const config = (more = '') =>
    scratchFile(
      'sidecar.yaml',
      `issuer: ${shop.issuer.url}\naudience: ${FRONT}\ncaller: none\nshutdown_delay: 1\n${more}`,
    );
  const proxy = (file: string) =>
    sidecar([file, '--listen', ANY, '--upstream', upstream, '--egress', ANY, '--admin', ANY], 'listen');
  const bearer = () => ({ authorization: `Bearer ${token}` });

  it('opens its ports, decides, and logs a line for each refusal without a token', async () => {
    const running = await proxy(config());
    expect(running.output()).to.match(/^admin on http:.*\negress on http:.*\nlisten on http:.*\n/);
    const admin = /^admin on (\S+)$/m.exec(running.output())?.[1] ?? '';
    const egress = /^egress on (\S+)$/m.exec(running.output())?.[1] ?? '';
    expect((await send(running.url, { headers: bearer() })).text).to.equal('hello');
    expect((await send(running.url)).status).to.equal(401);
    const changed = { authorization: `Bearer ${token.slice(0, -8)}AAAAAAAA` };
    expect((await send(running.url, { headers: changed })).body['code']).to.equal('token_signature');
    expect((await send(egress, { headers: bearer() })).body['code']).to.equal('child_missing');
    expect(await running.logged('refused')).to.include({ code: 'token_missing', direction: 'inbound' });
    expect(await running.logged('refused')).to.include({ code: 'token_signature' });
    expect(await running.logged('refused')).to.include({ code: 'child_missing', direction: 'outbound' });
    expect(running.output()).not.to.contain(token.slice(0, 40)).and.not.to.contain(token.slice(-40, -8));
    expect((await send(`${admin}/healthz`)).status).to.equal(200);
    expect((await send(`${admin}/readyz`)).status).to.equal(200);
    expect((await send(`${admin}/metrics`)).text).to.contain(
      'waybill_sidecar_decisions_total{direction="inbound",code="token_missing"} 1\n',
    );
    expect((await send(`${admin}/other`)).status).to.equal(404);
    expect(await running.stop('SIGINT')).to.equal(0);
  });

  it('answers the request that runs when SIGTERM comes, and says that it is not ready', async () => {
    const running = await proxy(config());
    const admin = /^admin on (\S+)$/m.exec(running.output())?.[1] ?? '';
    let release = (): void => undefined;
    const arrived = new Promise<void>((resolve) => {
      answer = (_incoming, response) => {
        release = () => void response.end('late');
        resolve();
      };
    });
    const asked = request(running.url, { headers: bearer(), agent: false }).end();
    await arrived;
    const ended = running.stop('SIGTERM');
    await running.logged('stopping');
    expect((await send(`${admin}/readyz`)).status).to.equal(503);
    release();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.statusCode).to.equal(200);
    response.resume();
    expect(await ended).to.equal(0);
  });

  it('lets pass and logs what it would refuse, with mode: report', async () => {
    const running = await proxy(config('mode: report\n'));
    expect((await send(running.url)).text).to.equal('hello');
    expect(await running.logged('reported')).to.include({ code: 'token_missing', reported: true });
    await running.stop('SIGINT');
  });

  it('shows a new certificate once its files have changed, and keeps it while they are broken', async () => {
    const ca = testCa();
    const folder = scratchFolder();
    const issue = (): string => {
      const { cert, key, certificate } = ca.issue(LOOPBACK);
      scratchFile('cert.pem', cert, folder);
      scratchFile('key.pem', key, folder);
      return certificate.fingerprint256;
    };
    const first = issue();
    const more = `upstream: ${upstream}\nlisten: { address: '${ANY}', cert_file: '${folder}/cert.pem', key_file: '${folder}/key.pem' }\n`;
    const running = await sidecar([config(more)], 'listen');
    expect(await shownBy(running.url)).to.equal(first);
    const second = issue();
    await running.logged('TLS certificates renewed');
    expect(await shownBy(running.url)).to.equal(second);
    scratchFile('cert.pem', 'no certificate', folder);
    const { reason } = await running.logged(
      'the new TLS files cannot be used; the running ones stay in place',
    );
    expect(reason).to.match(/listen\.cert_file .* is not PEM/);
    expect(await shownBy(running.url)).to.equal(second);
    await running.stop('SIGINT');
  });

  it('shows callees a new certificate from the call after its files have changed, and keeps it while they are broken', async () => {
    const ca = testCa();
    const seen: { readonly authorized: boolean; readonly fingerprint: string }[] = [];
    const callee = await listenTls(({ socket }, response) => {
      const shown = socket as TLSSocket;
      seen.push({ authorized: shown.authorized, fingerprint: shown.getPeerCertificate().fingerprint256 });
      response.end('reserved');
    }, ca);
    const folder = scratchFolder();
    scratchFile('ca.pem', ca.cert, folder);
    const issue = (): string => {
      const { cert, key, certificate } = ca.issue({ uris: ['spiffe://shop.example/front'] });
      scratchFile('cert.pem', cert, folder);
      scratchFile('key.pem', key, folder);
      return certificate.fingerprint256;
    };
    const first = issue();
    const files = ['cert', 'key', 'ca'].map((name) => `${name}_file: ${folder}/${name}.pem`).join(', ');
    const addresses = `addresses: { stock.shop.example: '${callee}' }`;
    const running = await sidecar(
      [config(`egress: { address: '${ANY}', ${files}, ${addresses} }\n`)],
      'egress',
    );
    const { hostname, port } = new URL(running.url);
    const agent = new Agent({ keepAlive: true }); // the application's own connection outlives the certificate
    const call = async (): Promise<number | undefined> => {
      const path = 'http://stock.shop.example/reserve';
      const asked = request({ host: hostname, port, path, headers: bearer(), agent }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      await once(response.resume(), 'end');
      return response.statusCode;
    };
    expect(await call()).to.equal(200);
    const second = issue();
    await running.logged('TLS certificates renewed');
    expect(await call()).to.equal(200);
    scratchFile('key.pem', 'no key', folder);
    const { reason } = await running.logged(
      'the new TLS files cannot be used; the running ones stay in place',
    );
    expect(reason).to.match(/egress\.key_file .* is not PEM/);
    expect(await call()).to.equal(200);
    expect(seen).to.deep.equal(
      [first, second, second].map((fingerprint) => ({ authorized: true, fingerprint })),
    );
    expect(second).not.to.equal(first);
    agent.destroy();
    await running.stop('SIGINT');
  });

  it('serves checks where it is no proxy', async () => {
    const running = await sidecar([config(), '--check', ANY], 'check');
    expect((await send(`${running.url}/inbound/x`, { headers: bearer() })).status).to.equal(200);
    await running.stop('SIGINT');
  });

  it('ends with a sentence for what it cannot start with', async () => {
    const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
      ['calller: none\n', [], /has no key `calller`\. Did you mean caller\?/],
      ['', ['--listen', ANY], /listen needs upstream/],
      ['', ['--upstream', upstream], /upstream needs listen/],
      ['', ['--listen', ANY, '--upstream', 'ftp://x'], /upstream must match/],
      [
        'egress: { address: "127.0.0.1:0", cert_file: a.pem }\n',
        [],
        /egress needs both cert_file and key_file/,
      ],
      ['egress: { address: "127.0.0.1:0", ca_file: /nowhere/ca.pem }\n', [], /egress\.ca_file .* ENOENT/],
      ['', ['--check', upstream.replace('http://', '')], /Cannot listen on .*EADDRINUSE.*another `check`/],
    ];
    for (const [more, options, says] of wrong) {
      const { code, stderr } = await run(['sidecar', config(more), ...options]);
      expect(code, String(says)).to.equal(2);
      expect(stderr).to.match(says);
    }
  });
});
