/** What the programs of the demo have in common: each takes a port, learns what it is, and tells what it saw. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A certificate of the mesh, all PEM: with it a program serves, calls, and believes others. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** The one authority of the mesh. */
  readonly ca: string;
}

/** Each question of the parent gets one answer: the port, `ready`, a list. */
export type Question<Config> =
  /** With a certificate, connections are TLS on both sides. */
  { readonly listen: Certificate | 'http' } | { readonly configure: Config } | 'seen';

/** Node takes 16 KiB of headers by default; these services stand for ones that take more. */
const MAX_HEADERS = 64 * 1024;

/** @param open makes the application; it notes in `seen` what the parent asks for. */
export function answerParent<Config, Report>(
  open: (config: Config, seen: Report[]) => RequestListener | Promise<RequestListener>,
): void {
  const seen: Report[] = [];
  let answer: RequestListener = (_request, response) => void response.writeHead(503).end();
  const answerTo = async (question: Question<Config>): Promise<unknown> => {
    if (question === 'seen') return seen.splice(0);
    if ('listen' in question)
      return listen(question.listen, (request, response) => answer(request, response));
    answer = await open(question.configure, seen);
    return 'ready';
  };
  process.once('disconnect', () => process.exit());
  process.on('message', (question: Question<Config>) => {
    void answerTo(question).then((reply) => process.send?.(reply));
  });
}

async function listen(certificate: Certificate | 'http', answer: RequestListener): Promise<number> {
  const options = { maxHeaderSize: MAX_HEADERS };
  const server =
    certificate === 'http'
      ? createServer(options, answer)
      : createTlsServer({ ...options, ...certificate, requestCert: true, rejectUnauthorized: true }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Milliseconds of the machine's monotonic clock, which all processes share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Bytes of an Authorization header as received: name, colon, blank, value, CRLF. */
export function lineBytes(value = ''): number {
  return `authorization: ${value}\r\n`.length;
}
