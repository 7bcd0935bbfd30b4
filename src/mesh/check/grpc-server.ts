/**
 * Unary calls of gRPC over HTTP/2, on Node's own server: one message is asked, one is answered. Whoever asks waits for
 * each answer as long as it likes; compression is not offered.
 */
import { once } from 'node:events';
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

/** Codes of gRPC. */
export const GRPC_STATUS = { OK: 0, RESOURCE_EXHAUSTED: 8, UNIMPLEMENTED: 12, INTERNAL: 13 } as const;
export type GrpcStatus = (typeof GRPC_STATUS)[keyof typeof GRPC_STATUS];

export interface UnaryCall {
  readonly headers: IncomingHttpHeaders;
  /** The connection over which it is asked. */
  readonly socket: Socket;
}

/** Answers a message; rejects or throws for one that it cannot read, which is answered `INTERNAL`. */
export type UnaryMethod = (message: Buffer, call: UnaryCall) => Promise<Buffer> | Buffer;

export interface UnaryServer {
  readonly port: number;
  /** Lets running calls end. */
  close(): Promise<void>;
  /** Ends running calls without an answer. */
  stop(): void;
}

/** At once over one connection; Envoy holds others back until one has ended. */
const MOST_CALLS = 1000;
/** A byte that says whether the message is compressed, and four of its length. */
const PREFIX = 5;
/** Messages on their way over one connection. */
const WINDOW = 8;

export interface UnaryOptions {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Bytes of the largest message. */
  readonly maxMessageBytes: number;
}

/**
 * @param methods by path.
 * @throws what the operating system says against the address.
 */
export async function serveUnary(
  methods: ReadonlyMap<string, UnaryMethod>,
  { host, port, maxMessageBytes }: UnaryOptions,
): Promise<UnaryServer> {
  const sessions = new Set<ServerHttp2Session>();
  const framed = maxMessageBytes + PREFIX;
  const server = createServer({
    // A message that fits is sent in one go.
    settings: { initialWindowSize: framed, maxConcurrentStreams: MOST_CALLS },
    // In MiB, for both directions; beyond it Node resets streams.
    maxSessionMemory: Math.ceil((2 * MOST_CALLS * framed) / 2 ** 20),
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(WINDOW * framed);
    session.once('close', () => sessions.delete(session)).on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined); // whoever asked is gone
    const method = methods.get(headers[':path'] ?? '');
    if (method === undefined) return end(stream, GRPC_STATUS.UNIMPLEMENTED);
    read(stream, maxMessageBytes, (message) => {
      if (typeof message === 'number') return end(stream, message);
      const socket = stream.session?.socket;
      if (socket === undefined) return;
      answer(method, message, { headers, socket }).then(
        (answered) => reply(stream, answered),
        () => end(stream, GRPC_STATUS.INTERNAL),
      );
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => closed(server, sessions),
    stop() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

/** A method may throw at once. */
async function answer(method: UnaryMethod, message: Buffer, call: UnaryCall): Promise<Buffer> {
  return method(message, call);
}

/** @param done told of the one message, or why there is none. */
function read(stream: ServerHttp2Stream, most: number, done: (message: Buffer | GrpcStatus) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= most + PREFIX) return void chunks.push(chunk);
    stream.removeAllListeners('data').removeAllListeners('end').resume();
    done(GRPC_STATUS.RESOURCE_EXHAUSTED);
  });
  stream.on('end', () => {
    const framed = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    const isWhole = framed.length >= PREFIX && framed.readUInt32BE(1) === framed.length - PREFIX;
    if (!isWhole) return done(GRPC_STATUS.INTERNAL);
    done(framed[0] === 0 ? framed.subarray(PREFIX) : GRPC_STATUS.UNIMPLEMENTED);
  });
}

const HEADERS = { ':status': 200, 'content-type': 'application/grpc' } as const;

function reply(stream: ServerHttp2Stream, message: Buffer): void {
  if (stream.destroyed) return;
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(message.length, 1);
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(GRPC_STATUS.OK) }));
  stream.end(Buffer.concat([prefix, message]));
}

/** Without a message. */
function end(stream: ServerHttp2Stream, status: GrpcStatus): void {
  if (stream.destroyed) return;
  stream.respond({ ...HEADERS, 'grpc-status': String(status) }, { endStream: true });
  // What is still on its way is of no use.
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

async function closed(server: Http2Server, sessions: ReadonlySet<ServerHttp2Session>): Promise<void> {
  const ended = once(server, 'close');
  server.close();
  for (const session of sessions) session.close();
  await ended;
}
