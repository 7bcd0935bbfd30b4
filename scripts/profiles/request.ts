/**
 * One request with a token of a chosen length, over a connection of its own. A server is asked for the length of the
 * `Authorization` header that it received, so that a header that was cut does not pass.
 */
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';

export const PROTOCOLS = ['http/1.1', 'http/2', 'grpc'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export type Header = readonly [name: string, value: string];

export interface Sent {
  readonly port: number;
  readonly protocol: Protocol;
  /** Beside `Host` and `Authorization`. */
  readonly headers: readonly Header[];
  /** Characters of the token. */
  readonly length: number;
}

/** `passed`, or what the client saw instead: a status, or how the connection ended. */
export type Outcome = string;
export const PASSED = 'passed';

/** Base64url characters in turn, as a token has them: a Huffman code has nothing to gain from repetition. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function authorizationOf(length: number): string {
  return `Bearer ${ALPHABET.repeat(Math.ceil(length / ALPHABET.length)).slice(0, length)}`;
}

/** What stands in a request beside its token's line, as HTTP/1.1 writes it: the `reserve` that it needs. */
export function reserveOf({ port, headers, protocol }: Omit<Sent, 'length'>): {
  readonly headers: number;
  readonly bytes: number;
} {
  const all = protocol === 'grpc' ? [...GRPC_HEADERS, ...headers] : headers;
  return { headers: all.length + 1, bytes: head(port, all).length };
}

/** Waits no longer for an answer. */
const TIMEOUT = 10_000;

export async function send(sent: Sent): Promise<Outcome> {
  return sent.protocol === 'http/1.1' ? sendHttp1(sent) : sendHttp2(sent);
}

function head(port: number, headers: readonly Header[]): string {
  const lines = [['Host', `127.0.0.1:${port}`] as const, ...headers].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `GET / HTTP/1.1\r\n${lines.join('')}\r\n`;
}

async function sendHttp1({ port, headers, length }: Sent): Promise<Outcome> {
  const value = authorizationOf(length);
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(TIMEOUT, () => socket.destroy());
  const chunks: Buffer[] = [];
  try {
    await once(socket, 'connect');
    socket.write(`${head(port, headers).slice(0, -2)}Authorization: ${value}\r\n\r\n`);
    for await (const chunk of socket) {
      chunks.push(chunk as Buffer);
      if (isWhole(Buffer.concat(chunks).toString('latin1'))) break;
    }
  } catch (error) {
    if (chunks.length === 0) return ended(error);
  } finally {
    socket.destroy();
  }
  const text = Buffer.concat(chunks).toString('latin1');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 'closed';
  if (status !== '200') return status;
  return text.slice(text.indexOf('\r\n\r\n')).includes(String(value.length)) ? PASSED : 'cut';
}

/** Whether an answer is complete: as long as it says, or its last chunk. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length - end - 4 >= Number(length);
}

/** What every gRPC client sends (gRPC over HTTP/2, section "Requests"). */
const GRPC_HEADERS: readonly Header[] = [
  ['te', 'trailers'],
  ['content-type', 'application/grpc'],
];
/** A message without a byte. */
const GRPC_MESSAGE = Buffer.from([0, 0, 0, 0, 0]);
/** More than any server takes: the client must not be what refuses. */
const MOST_SENT = 16 * 1024 * 1024;

async function sendHttp2({ port, protocol, headers, length }: Sent): Promise<Outcome> {
  const value = authorizationOf(length);
  const session = connectHttp2(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: MOST_SENT });
  session.setTimeout(TIMEOUT, () => session.destroy(new Error('no answer')));
  try {
    return await answerOf(session, protocol, [...headers, ['authorization', value]], String(value.length));
  } catch (error) {
    return ended(error);
  } finally {
    session.destroy();
  }
}

async function answerOf(
  session: ClientHttp2Session,
  protocol: Protocol,
  headers: readonly Header[],
  expected: string,
): Promise<Outcome> {
  const isGrpc = protocol === 'grpc';
  const broken = Promise.race([
    once(session, 'error').then(([error]: unknown[]) => error as Error),
    once(session, 'close').then(() => new Error('closed')),
  ]).then((error): never => {
    throw error;
  });
  broken.catch(() => undefined); // who races against it sees it
  const request = session.request({
    ':path': isGrpc ? '/waybill.Measured/Call' : '/',
    ':method': isGrpc ? 'POST' : 'GET',
    ...Object.fromEntries([...(isGrpc ? GRPC_HEADERS : []), ...headers]),
  });
  request.end(isGrpc ? GRPC_MESSAGE : undefined);
  const received: Buffer[] = [];
  let trailers: IncomingHttpHeaders = {};
  let answer: IncomingHttpHeaders = {};
  request.on('response', (found: IncomingHttpHeaders) => (answer = found));
  request.on('trailers', (found: IncomingHttpHeaders) => (trailers = found));
  request.on('data', (chunk: Buffer) => void received.push(chunk));
  await Promise.race<unknown>([once(request, 'close'), broken]);
  const status = String(answer[':status'] ?? 'closed');
  if (status !== '200') return status;
  if (!isGrpc) return Buffer.concat(received).toString() === expected ? PASSED : 'cut';
  if (answer['x-length'] === expected) return PASSED;
  return `grpc-status ${String(answer['grpc-status'] ?? trailers['grpc-status'])}`;
}

const ENDINGS: Readonly<Record<string, Outcome>> = {
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  ERR_HTTP2_SESSION_ERROR: 'connection closed',
  ERR_HTTP2_STREAM_ERROR: 'stream reset',
};

function ended(error: unknown): Outcome {
  const { code = '', message } = error as { code?: string; message: string };
  return ENDINGS[code] ?? message;
}
