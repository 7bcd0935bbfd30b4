/** A service behind a real Envoy that ends mutual TLS, and passes on the names of its peer without the certificate. */
import { expect } from 'chai';
import express from 'express';

import { hasEnvoy, needsEnvoy, startEnvoy, stopEnvoys } from '../support/envoy.ts';
import { closeServers, freePort, listen } from '../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../support/issuer/scripted.ts';
import { LOOPBACK, testCa, type Identity } from '../support/keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../support/tls.ts';
import { extractorFor } from '../middleware/services.ts';

const ca = testCa();
const XFCC = 'x-forwarded-client-cert';
const idOf = (name: string): string => `spiffe://boutique.example/${name}`;
const HASH = `Hash=${'ab'.repeat(32)}`;
const frontend = ca.issue({ uris: [idOf('frontend')], dns: ['frontend.boutique.example'] });
const ads = ca.issue({ uris: [idOf('ads')], dns: ['ads.boutique.example'] });
const odd = ca.issue({ commonName: `a";URI=${idOf('frontend')};X="\\`, uris: [idOf('odd')] });

describe(`Callers behind an Envoy that passes their names on${needsEnvoy}`, () => {
  let issuer: ScriptedIssuer;
  let address: string;

  before(function () {
    if (!hasEnvoy) this.skip();
  });
  afterEach(async () => {
    await stopEnvoys();
    await closeServers();
  });

  async function start(details: string): Promise<void> {
    issuer = await startScriptedIssuer();
    const waybill = extractorFor(issuer, {
      caller: 'mtls',
      clientCertHeader: XFCC,
      clientCertFrom: ['127.0.0.1'],
    });
    const app = express().set('env', 'test');
    app.get('/', waybill.protect(), (request, response) => void response.json(request.headers[XFCC]));
    const service = await listen(app);
    const port = await freePort();
    await startEnvoy(configuration(port, Number(new URL(service).port), details), [port]);
    address = `https://127.0.0.1:${port}`;
  }

  async function ask(
    as: Identity | undefined,
    sent?: string | string[],
    caller = idOf('frontend'),
  ): Promise<TlsAnswer> {
    const token = await issuer.token({ act: { sub: caller } });
    const headers = { authorization: `Bearer ${token}`, ...(sent === undefined ? {} : { [XFCC]: sent }) };
    return sendTls(address, ca, { as, headers: headers as Record<string, string> });
  }

  for (const details of ['SANITIZE_SET', 'APPEND_FORWARD']) {
    it(`are known by their URI and their DNS names, with ${details}`, async () => {
      await start(details);
      const answers = [await ask(frontend), await ask(frontend, undefined, 'frontend.boutique.example')];
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200]);
      expect(answers[0]!.text)
        .to.include(`URI=${idOf('frontend')}`)
        .and.not.include('Cert=');
      const others = [await ask(ads), await ask(ads, undefined, 'frontend.boutique.example')];
      expect(others.map(({ status }) => status)).to.deep.equal([401, 401]);
      expect(others[0]!.text).to.include('token_presenter');
    });

    it(`threat 15: cannot take another’s name by sending the header themselves, with ${details}`, async () => {
      await start(details);
      const forged = `${HASH};URI=${idOf('frontend')}`;
      const attempts: (string | string[])[] = [
        forged,
        `${forged},`,
        `${forged};`,
        `${forged},${forged}`,
        `${forged};Subject="`,
        `${forged};Subject="\\`,
        `${forged};Subject="a\\"`,
        `URI=${idOf('frontend')},X="`,
        [forged, forged],
        [forged, `Subject="`],
      ];
      for (const attempt of attempts) {
        const { status, text } = await ask(ads, attempt);
        expect(status, `${String(attempt)}: ${text}`).to.equal(401);
      }
    });

    it(`cannot take another’s name by the subject of their certificate, with ${details}`, async () => {
      await start(details);
      expect((await ask(odd)).status).to.equal(401);
      expect((await ask(odd, `${HASH};Subject="`)).status).to.equal(401);
    });

    it(`are refused without a certificate, whatever they send, with ${details}`, async () => {
      await start(details);
      expect((await ask(undefined, `${HASH};URI=${idOf('frontend')}`)).status).to.equal(401);
      expect((await ask(undefined)).status).to.equal(401);
    });
  }
});

/** @param details what becomes of the header that the peer sent. */
function configuration(port: number, upstream: number, details: string): object {
  const { cert, key } = ca.issue(LOOPBACK);
  const at = (number: number) => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'callers',
    forward_client_cert_details: details,
    set_current_client_cert_details: { subject: true, uri: true, dns: true },
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'service' } }] },
      ],
    },
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const tls = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    common_tls_context: {
      tls_certificates: [{ certificate_chain: { inline_string: cert }, private_key: { inline_string: key } }],
      validation_context: { trusted_ca: { inline_string: ca.cert } },
    },
  };
  return {
    static_resources: {
      listeners: [
        {
          name: 'callers',
          address: at(port),
          filter_chains: [
            {
              transport_socket: { name: 'tls', typed_config: tls },
              filters: [{ name: 'http', typed_config: manager }],
            },
          ],
        },
      ],
      clusters: [
        {
          name: 'service',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'service',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: at(upstream) } }] }],
          },
        },
      ],
    },
  };
}
