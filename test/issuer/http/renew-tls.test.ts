/** A server that changes its certificate, and the authorities of its clients, while it runs. */
import { Agent } from 'node:https';
import type { RequestListener } from 'node:http';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

import { expect } from 'chai';

import { listen, type RunningServer, type TlsOptions } from '../../../src/issuer/http/index.ts';
import { LOOPBACK, testCa, type Identity, type TestCa } from '../../support/keys/certificates.ts';
import { sendTls } from '../../support/tls.ts';

describe('a server that renews its TLS', () => {
  const ca = testCa('of servers');
  const [before, after] = [testCa('of clients, before'), testCa('of clients, after')];
  let server: RunningServer;

  const tlsOf = ({ cert, key }: Identity, clientCa: TestCa): TlsOptions => ({
    cert,
    key,
    clientCa: clientCa.cert,
  });

  /** Says whether the client's certificate was verified. */
  const answer: RequestListener = (request, response) => {
    response.end(String((request.socket as TLSSocket).authorized));
  };

  beforeEach(async () => {
    server = await listen(answer, { host: '127.0.0.1', port: 0, tls: tlsOf(ca.issue(LOOPBACK), before) });
  });
  afterEach(async () => server.close());

  /** The serial number of the certificate that a new connection meets. */
  async function serial(): Promise<string> {
    return new Promise((resolve, reject) => {
      const { port } = new URL(server.url);
      const socket = connect({ host: '127.0.0.1', port: Number(port), ca: [ca.cert] }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.end();
      });
      socket.on('error', reject);
    });
  }

  it('shows the new certificate on new connections', async () => {
    const fresh = ca.issue(LOOPBACK);
    expect(await serial()).to.not.equal(fresh.certificate.serialNumber);
    server.renewTls(tlsOf(fresh, before));
    expect(await serial()).to.equal(fresh.certificate.serialNumber);
  });

  it('believes the new authorities of clients, and the old ones no longer', async () => {
    const clients = [before, after].map((authority) => authority.issue({ dns: ['client'] }));
    const verdicts = async () =>
      Promise.all(clients.map(async (as) => (await sendTls(server.url, ca, { as })).text));
    expect(await verdicts()).to.deep.equal(['true', 'false']);
    server.renewTls(tlsOf(ca.issue(LOOPBACK), after));
    expect(await verdicts()).to.deep.equal(['false', 'true']);
  });

  it('lets a connection from before carry one more request, and ends it with the answer', async () => {
    const { cert, key } = before.issue({ dns: ['client'] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: [ca.cert], cert, key });
    const ask = async () => {
      const { text, headers } = await sendTls(server.url, ca, { agent });
      return [text, headers['connection']];
    };
    expect([await ask(), await ask()]).to.deep.equal([
      ['true', 'keep-alive'],
      ['true', 'keep-alive'],
    ]);
    server.renewTls(tlsOf(ca.issue(LOOPBACK), after));
    expect(await ask()).to.deep.equal(['true', 'close']);
    expect(await ask()).to.deep.equal(['false', 'keep-alive']);
    agent.destroy();
  });

  it('keeps what it has where the new files do not fit together', async () => {
    const known = await serial();
    const [one, other] = [ca.issue(LOOPBACK), ca.issue(LOOPBACK)];
    for (const broken of [
      { cert: one.cert, key: other.key },
      { cert: 'x', key: one.key },
      { cert: one.cert, key: 'x' },
    ]) {
      expect(() => server.renewTls({ ...broken, clientCa: after.cert })).to.throw();
      expect(await serial()).to.equal(known);
    }
    const as = before.issue({ dns: ['client'] });
    expect((await sendTls(server.url, ca, { as })).text).to.equal('true');
  });

  it('has nothing to renew without TLS', async () => {
    const plain = await listen(answer, { host: '127.0.0.1', port: 0 });
    plain.renewTls(tlsOf(ca.issue(LOOPBACK), after));
    expect(await (await fetch(plain.url)).text()).to.equal('undefined');
    await plain.close();
  });
});
