/** The sidecar's gRPC server keeps nothing of the calls that it has answered, refused, or that were given up. */
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { expect } from 'chai';
import { serveUnary, type UnaryServer } from '../../src/mesh/check/grpc-server.ts';
import { usedBytes } from './heap.ts';

const KIB = 2 ** 10;
const MOST = 16 * KIB;
const PATH = '/test.Echo/Say';

/** How a call ends. */
type Kind = 'answered' | 'too large' | 'unknown' | 'given up';

const PAYLOADS: Readonly<Record<Kind, number>> = {
  answered: 8 * KIB,
  'too large': 2 * MOST,
  unknown: KIB,
  'given up': KIB,
};

function framed(bytes: number): Buffer {
  const message = Buffer.alloc(5 + bytes, 0x61);
  message.writeUInt8(0, 0);
  message.writeUInt32BE(bytes, 1);
  return message;
}

async function call(session: ClientHttp2Session, kind: Kind): Promise<string> {
  const path = kind === 'unknown' ? '/test.Echo/Nothing' : PATH;
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  let status = '';
  const told = (headers: { readonly 'grpc-status'?: string | string[] | undefined }): void => {
    status = String(headers['grpc-status'] ?? status);
  };
  stream
    .on('response', told)
    .on('trailers', told)
    .on('error', () => undefined)
    .resume();
  const closed = once(stream, 'close');
  if (kind === 'given up') {
    stream.write(framed(PAYLOADS[kind]).subarray(0, 100));
    setImmediate(() => stream.close(8)); // CANCEL
  } else stream.end(framed(PAYLOADS[kind]));
  await closed;
  return status;
}

describe('the gRPC server of the sidecar over many calls', function () {
  this.timeout(120_000);

  let server: UnaryServer;
  beforeEach(async () => {
    const methods = new Map([[PATH, (message: Buffer) => Buffer.from(message)]]);
    server = await serveUnary(methods, { host: '127.0.0.1', port: 0, maxMessageBytes: MOST });
  });
  afterEach(() => {
    server.stop();
  });

  /** @param perSession calls over one connection before the next one is opened. */
  async function run(calls: number, perSession: number, kindAt: (n: number) => Kind): Promise<Set<string>> {
    const seen = new Set<string>();
    for (let n = 0; n < calls; n += perSession) {
      const session = connect(`http://127.0.0.1:${server.port}`);
      session.on('error', () => undefined);
      for (let at = n; at < Math.min(calls, n + perSession); at += 1)
        seen.add(`${kindAt(at)} ${await call(session, kindAt(at))}`);
      session.close();
      await once(session, 'close');
    }
    return seen;
  }

  const kinds: readonly Kind[] = ['answered', 'too large', 'unknown', 'given up'];
  for (const [what, perSession, kindAt, ends] of [
    ['few connections, all answered', 500, () => 'answered' as const, ['answered 0']],
    ['many connections, all answered', 5, () => 'answered' as const, ['answered 0']],
    [
      'calls of every kind',
      40,
      (n: number) => kinds[n % kinds.length]!,
      ['answered 0', 'too large 8', 'unknown 12', 'given up '],
    ],
  ] as const)
    it(`keeps less than 100 bytes a call: ${what}`, async () => {
      const CALLS = 2_000;
      await run(CALLS, perSession, kindAt); // what is made once
      const before = await usedBytes();
      const seen = await run(CALLS, perSession, kindAt);
      const grown = (await usedBytes()) - before;
      expect([...seen].sort()).to.deep.equal([...ends].sort());
      // Each sent at least a kibibyte: one call in ten that is kept would show.
      expect(grown).to.be.below(100 * CALLS);
    });
});
