/**
 * Services behind real proxies, with a real issuer. They know nothing of Waybill: they pass their `authorization` header
 * on, through the proxy beside them. What starts the proxies is given.
 */
import { request, type IncomingHttpHeaders } from 'node:http';

import { scratchFile } from '../../support/files.ts';
import { freePort, listen } from '../../support/http.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer/start.ts';
import { testCa, type Identity, type TestCa } from '../../support/keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../../support/tls.ts';

/** What a service was asked. */
export interface Seen<Name extends string> {
  readonly service: Name;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** `authorization`, once for each line. */
  readonly authorization: readonly string[];
}

/** Ports of loopback. */
export interface Ports {
  readonly inbound: number;
  readonly outbound: number;
  readonly application: number;
}

/** PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly authorities: string;
}

export interface ShopSetup<Name extends string> {
  /** YAML, for an issuer's URL. */
  readonly graph: (issuer: string) => string;
  readonly services: readonly Name[];
  /** `gateway` and `stranger` have one, too. */
  readonly identityOf: (name: string) => string;
  /** The calls that a service makes for a request, by `SERVICE METHOD /path`, as it would in plain HTTP. */
  readonly calls: Readonly<Record<string, readonly (readonly [method: string, address: string])[]>>;
}

/** Everything but the proxies. */
export interface ShopParts<Name extends string> {
  readonly issuer: TestIssuer;
  readonly portsOf: (service: Name) => Ports;
  readonly tlsOf: (service: Name) => TlsFiles;
}

export interface ProxiedShop<Name extends string> {
  readonly issuer: TestIssuer;
  readonly ca: TestCa;
  readonly seen: Seen<Name>[];
  /** A root for a client. */
  root(scope: string, client?: string): Promise<string>;
  certificateOf(name: string): Identity;
  inboundPort(service: Name): number;
  /** To the proxy before a service; as the gateway, unless another certificate is named. */
  call(service: Name, path: string, options?: CallOptions): Promise<TlsAnswer>;
  /** To the proxy behind a service, as the service itself. */
  callOut(service: Name, address: string, options?: Sent): Promise<PlainAnswer>;
}

export interface Sent {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallOptions extends Sent {
  /** Default: the gateway. */
  readonly as?: Identity | 'nobody';
}

export interface PlainAnswer {
  readonly status: number;
  readonly text: string;
}

/** @param starting what starts the proxy beside a service, one after the other. */
export async function startProxiedShop<Name extends string>(
  { graph, services, identityOf, calls }: ShopSetup<Name>,
  starting: (parts: ShopParts<Name>) => Promise<(service: Name) => Promise<unknown>>,
): Promise<ProxiedShop<Name>> {
  const ca = testCa();
  const issuer = await startIssuer(graph);
  const identities = new Map(
    [...services, 'gateway', 'stranger'].map((name) => [
      name,
      ca.issue({
        commonName: name,
        uris: [identityOf(name)],
        dns: [`${name}.shop.example`],
        ips: [[127, 0, 0, 1]],
      }),
    ]),
  );
  const certificateOf = (name: string): Identity => identities.get(name)!;
  const seen: Seen<Name>[] = [];
  const ports = new Map<Name, Ports>();
  const portsOf = (name: Name) => ports.get(name)!;

  const callOut = (service: Name, address: string, sent?: Sent) =>
    sendThrough(portsOf(service).outbound, address, sent);

  for (const name of services) {
    const application = await listen(
      (received, response) => {
        const { method = '', url = '', headers, headersDistinct } = received;
        const authorization = headersDistinct['authorization'] ?? [];
        seen.push({ service: name, method, path: url, headers, authorization });
        const [own] = authorization;
        const passedOn = own === undefined ? {} : { authorization: own };
        void Promise.all(
          (calls[`${name} ${method} ${url}`] ?? []).map(([verb, address]) =>
            callOut(name, address, { method: verb, headers: passedOn }),
          ),
        ).then((answers) => {
          const failed = answers.find(({ status }) => status !== 200);
          response.writeHead(failed ? 502 : 200).end(failed ? `${failed.status} ${failed.text}` : name);
        });
      },
      { maxHeaderSize: 512 * 1024 },
    );
    ports.set(name, {
      inbound: await freePort(),
      outbound: await freePort(),
      application: Number(new URL(application).port),
    });
  }

  const authorities = scratchFile('ca.crt', ca.cert);
  const tlsOf = (name: Name): TlsFiles => {
    const { chain, key } = certificateOf(name);
    return { certificate: scratchFile('tls.crt', chain), key: scratchFile('tls.key', key), authorities };
  };
  const start = await starting({ issuer, portsOf, tlsOf });
  for (const name of services) await start(name);

  return {
    ...{ issuer, ca, seen, certificateOf, callOut },
    inboundPort: (name) => portsOf(name).inbound,
    async root(scope, client = 'web') {
      const { body, text } = await issuer.token({ grant_type: 'client_credentials', scope }, { as: client });
      return body['access_token'] ?? failWith(text);
    },
    call: (service, path, { method = 'GET', token, as = certificateOf('gateway'), headers = {} } = {}) =>
      sendTls(`https://127.0.0.1:${portsOf(service).inbound}${path}`, ca, {
        as: as === 'nobody' ? undefined : as,
        method,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      }),
  };
}

function failWith(text: string): never {
  throw new Error(text);
}

/** Plain HTTP to a port of loopback, for the host of the address: unlike `fetch`, this lets a caller set the host. */
export function sendThrough(
  port: number,
  address: string,
  { method = 'GET', token, headers = {} }: Sent = {},
): Promise<PlainAnswer> {
  const { host, pathname, search } = new URL(address);
  const own = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const options = { host: '127.0.0.1', port, method, path: pathname + search, agent: false };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers: { host, ...own, ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (data: string) => (text += data));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject).end();
  });
}
