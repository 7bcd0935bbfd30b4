/** The shop while it runs: what a client sends to it, and what the services say that they received. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { decodeJwt, type JWTPayload } from 'jose';
import { unpack } from 'waybill';
import type { Identity, TestCa } from '../../test/support/keys/certificates.ts';
import { DemoFailed } from '../demo/terminal.ts';
import type { Places } from './proxies.ts';
import type { ServiceName } from './services.ts';

export interface Shop {
  readonly issuer: string;
  readonly secret: string;
  readonly places: Places;
  readonly ca: TestCa;
  readonly identities: ReadonlyMap<ServiceName, Identity>;
}

/** As each service reports it. */
export interface Report {
  readonly service: ServiceName;
  readonly authorization: string | null;
  /** The `x-waybill-` headers that it saw. */
  readonly headers: Readonly<Record<string, string>>;
  readonly calls: readonly {
    readonly url: string;
    readonly status: number;
    readonly answer: Report | string;
  }[];
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** RFC 7009: takes the whole tree back. */
export async function revoke(token: string, { issuer, secret }: Shop): Promise<void> {
  const answer = await fetch(`${issuer}/revoke`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`web:${secret}`)}` },
    body: new URLSearchParams({ token }),
  });
  if (!answer.ok) throw new DemoFailed(`The issuer answers ${answer.status} to a revocation.`);
}

/** A token of the client `web`, from the real issuer. */
export async function tokenFor(scope: string, { issuer, secret }: Shop): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`web:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  const body = (await answer.json()) as { access_token?: string };
  if (body.access_token === undefined)
    throw new DemoFailed(`The issuer answers ${answer.status}: ${JSON.stringify(body)}`);
  return body.access_token;
}

export interface Sent {
  readonly path: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whose certificate is shown; undefined: plain HTTP. */
  readonly as?: Identity | undefined;
  /** Of the callee, for calls through a proxy's outbound listener. */
  readonly host?: string;
}

/** POST to a proxy's port. */
export async function send(port: number, { ca }: Pick<Shop, 'ca'>, sent: Sent): Promise<Answer> {
  const { as, host, token } = sent;
  const options = {
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: sent.path,
    agent: false,
    headers: {
      ...(host === undefined ? {} : { host }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...sent.headers,
    },
  } as const;
  const tls = as && { cert: as.chain, key: as.key, ca: ca.cert, checkServerIdentity: () => undefined };
  return new Promise((resolve, reject) => {
    const outgoing = tls ? httpsRequest({ ...options, ...tls }) : httpRequest(options);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming
        .setEncoding('utf8')
        .on('data', (data: string) => (text += data))
        .on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
        .on('error', reject);
    });
    outgoing.on('error', reject).end();
  });
}

/** What the token of a report says. */
export function claimsOf({ authorization, service }: Report): JWTPayload & { act?: { sub: string } } {
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new DemoFailed(`${service} received no token`);
  return decodeJwt(token.startsWith('wb1~') ? unpack(token) : token);
}

/** The reports of a request, callers first. @throws DemoFailed where a call did not come back. */
export function reportsOf(report: Report, caller?: Report): { report: Report; caller: Report | undefined }[] {
  return [
    { report, caller },
    ...report.calls.flatMap(({ url, status, answer }) => {
      if (status !== 200 || typeof answer === 'string')
        throw new DemoFailed(`${report.service} got ${status} from ${url}: ${JSON.stringify(answer)}`);
      return reportsOf(answer, report);
    }),
  ];
}
