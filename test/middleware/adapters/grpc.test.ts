import { connect } from 'node:net';
import { promisify } from 'node:util';

import {
  Client,
  Metadata,
  Server,
  ServerCredentials,
  credentials,
  status,
  type ServiceError,
  type ServiceDefinition,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { expect } from 'chai';

import {
  contextOf,
  protect,
  withToken,
  type ProtectedMethods,
} from '../../../src/middleware/adapters/grpc.ts';
import { extractor, isWaybillError, type Extractor } from '../../../src/middleware/index.ts';
import { LOOPBACK, testCa } from '../../support/keys/certificates.ts';
import { failure } from '../../support/failure.ts';
import { itIsAnAdapter } from './contract.ts';
import { startWorld, type Outcome, type Start, type World } from './world.ts';

type Call = ServerUnaryCall<object, object>;

const json = {
  serialize: (value: object): Buffer => Buffer.from(JSON.stringify(value)),
  deserialize: (bytes: Buffer): object => JSON.parse(bytes.toString()) as object,
};

function method(path: string): ServiceDefinition[string] {
  return {
    path,
    requestStream: false,
    responseStream: false,
    ...{ requestSerialize: json.serialize, requestDeserialize: json.deserialize },
    ...{ responseSerialize: json.serialize, responseDeserialize: json.deserialize },
  };
}

const PLACE = '/shop.Orders/Place';
const OPEN = '/shop.Orders/Open';
const UNLISTED = '/shop.Orders/Unlisted';
const METHODS = { place: method(PLACE), open: method(OPEN), unlisted: method(UNLISTED) };

interface Running {
  readonly address: string;
  readonly close: () => void;
}

/** @param answer for every method. */
async function startServer(
  waybill: Extractor,
  methods: ProtectedMethods,
  answer: (call: Call) => Promise<object>,
  server = ServerCredentials.createInsecure(),
): Promise<Running> {
  const grpc = new Server({ interceptors: [protect(waybill, methods)] });
  const handler = (call: Call, callback: sendUnaryData<object>): void =>
    void answer(call).then(
      (value) => callback(null, value),
      (error: unknown) =>
        callback({ code: status.ABORTED, details: isWaybillError(error) ? error.code : 'other' }),
    );
  grpc.addService(METHODS, { place: handler, open: handler, unlisted: handler });
  const port = await promisify(grpc.bindAsync.bind(grpc))('127.0.0.1:0', server);
  return { address: `127.0.0.1:${port}`, close: () => grpc.forceShutdown() };
}

async function call(client: Client, path: string, metadata = new Metadata()): Promise<object> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      json.serialize,
      json.deserialize,
      { item: 'a1' },
      metadata,
      (error, value) => (error ? reject(error) : resolve(value!)),
    );
  });
}

const HTTP_STATUS: Partial<Record<status, number>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.UNAUTHENTICATED]: 401,
  [status.PERMISSION_DENIED]: 403,
  [status.RESOURCE_EXHAUSTED]: 431,
  [status.UNAVAILABLE]: 503,
};

function outcomeOf({ code, metadata }: ServiceError): Outcome {
  const [reason, challenge] = ['waybill-code', 'www-authenticate'].map((name) =>
    metadata.get(name)[0]?.toString(),
  );
  return { status: HTTP_STATUS[code] ?? 0, code: reason, challenge };
}

const start: Start = async (waybill, scope, work) => {
  const methods: ProtectedMethods = { [PLACE]: { scope }, [OPEN]: 'open' };
  const { address, close } = await startServer(waybill, methods, async (asked) => {
    if (asked.getPath() === OPEN) return waybill.current();
    return work(contextOf(asked));
  });
  const client = new Client(address, credentials.createInsecure());
  return {
    async send(...authorizations) {
      const metadata = new Metadata();
      for (const value of authorizations) metadata.add('authorization', value);
      return call(client, PLACE, metadata).then(
        (result) => ({ status: 200, result: { ...result } }),
        (error: ServiceError) => outcomeOf(error),
      );
    },
    open: async () =>
      call(client, OPEN).then(
        () => 'a context',
        ({ details }: ServiceError) => details,
      ),
    async close() {
      client.close();
      close();
    },
  };
};

describe('the adapter for gRPC', () => {
  itIsAnAdapter(start, { repeated: 'first', stepUp: 'nothing' });

  let world: World;
  const closing: (() => void)[] = [];
  before(async () => {
    world = await startWorld();
  });
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  after(() => world.close());

  /** @param waybill of a service that answers with whom its caller's token is for. */
  async function stock(server?: ServerCredentials, options = {}): Promise<Running> {
    const waybill = extractor({ ...world.issuer.extractorOptions('stock'), ...options });
    const running = await startServer(
      waybill,
      { [PLACE]: { scope: 'reserve' } },
      async (asked) => {
        const { claims } = contextOf(asked);
        return { for: claims.client_id, by: claims.act?.sub };
      },
      server,
    );
    closing.push(running.close);
    return running;
  }

  async function failed(call: Promise<object>): Promise<ServiceError> {
    return call.then(
      () => expect.fail('the call passed'),
      (error: ServiceError) => error,
    );
  }

  it('threat 12: the first of two authorization headers counts, which is the only one that grpc-js shows', async () => {
    const good = await world.bearer('web', 'order');
    const seen = new Promise<unknown>((resolve, reject) => {
      const answer = async (asked: Call): Promise<object> => {
        resolve(asked.metadata.get('authorization'));
        return {};
      };
      startServer(world.shop(), { [PLACE]: {} }, answer).then(({ address, close }) => {
        const socket = connect(Number(new URL(`http://${address}`).port), '127.0.0.1');
        closing.push(() => socket.destroy(), close);
        socket.write(rawCall(address, PLACE, [good, 'Bearer x']));
      }, reject);
    });
    expect(await seen).to.deep.equal([good]);
  });

  it('refuses a method that is not listed, with any token', async () => {
    const { address, close } = await startServer(world.shop(), { [PLACE]: {} }, async () => ({}));
    closing.push(close);
    const client = new Client(address, credentials.createInsecure());
    closing.push(() => client.close());
    const metadata = new Metadata();
    metadata.set('authorization', await world.bearer('web', 'order'));
    const { code, details } = await failed(call(client, UNLISTED, metadata));
    expect([code, details]).to.deep.equal([
      status.PERMISSION_DENIED,
      `protect does not list the method ${UNLISTED}`,
    ]);
  });

  it('gives no context to a handler of an open method', async () => {
    await failure('usage', () => contextOf({ metadata: new Metadata() }));
  });

  it("sends the callee's token, and leaves the metadata of the caller as it was", async () => {
    const { address } = await stock();
    const context = await world.shop().authenticate({ authorization: await world.bearer('web', 'order') });
    const client = new Client(address, credentials.createInsecure(), {
      interceptors: [withToken(context, 'stock')],
    });
    closing.push(() => client.close());
    const metadata = new Metadata();
    metadata.set('trace', 't1');
    for (let round = 0; round < 2; round += 1)
      expect(await call(client, PLACE, metadata)).to.deep.equal({ for: 'web', by: 'shop' });
    expect(metadata.getMap()).to.deep.equal({ trace: 't1' });
  });

  it('takes the token of the current request: each call in a handler carries that of its own', async () => {
    const { address } = await stock();
    const waybill = world.shop();
    const client = new Client(address, credentials.createInsecure(), {
      interceptors: [withToken(waybill, 'stock')],
    });
    const shop = await start(waybill, 'order', () => call(client, PLACE));
    closing.push(() => client.close());
    try {
      const clients = ['web', 'app', 'web', 'app'] as const;
      const tokens = await Promise.all(clients.map((name) => world.bearer(name, 'order')));
      const outcomes = await Promise.all(tokens.map((token) => shop.send(token)));
      expect(outcomes.map(({ result }) => result?.['for'])).to.deep.equal(clients);
    } finally {
      await shop.close();
    }
  });

  it('sends nothing where there is no token, and says so in the status', async () => {
    const { address } = await stock();
    const waybill = world.shop();
    const authorization = await world.bearer('web', 'order');
    const context = await waybill.authenticate({ authorization });
    const small = await world.shop({ budget: { outbound: 10 } }).authenticate({ authorization });
    const cases = [
      [withToken(context, 'bank'), status.PERMISSION_DENIED, 'child_missing'],
      [withToken(small, 'stock'), status.RESOURCE_EXHAUSTED, 'child_too_large'],
      [withToken(waybill, 'stock'), status.FAILED_PRECONDITION, 'usage'],
    ] as const;
    for (const [interceptor, wanted, name] of cases) {
      const client = new Client(address, credentials.createInsecure(), { interceptors: [interceptor] });
      closing.push(() => client.close());
      const { code, metadata } = await failed(call(client, PLACE));
      expect([code, metadata.get('waybill-code')]).to.deep.equal([wanted, [name]]);
    }
    const client = new Client(address, credentials.createInsecure(), {
      interceptors: [withToken(context, 'stock')],
    });
    closing.push(() => client.close());
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer x');
    expect((await failed(call(client, PLACE, metadata))).code).to.equal(status.FAILED_PRECONDITION);
  });

  it('threat 2: takes the name of its caller from the certificate of the connection', async () => {
    const ca = testCa();
    const { cert, key } = ca.issue(LOOPBACK);
    const keys = [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }];
    const server = ServerCredentials.createSsl(Buffer.from(ca.cert), keys, true);
    const { address } = await stock(server, { caller: 'mtls' });
    const context = await world.shop().authenticate({ authorization: await world.bearer('web', 'order') });
    for (const [name, wanted] of [
      ['shop', 'passes'],
      ['depot', 'token_presenter'],
    ] as const) {
      const own = ca.issue({ dns: [name] });
      const tls = credentials.createSsl(Buffer.from(ca.cert), Buffer.from(own.key), Buffer.from(own.cert));
      const client = new Client(address, tls, { interceptors: [withToken(context, 'stock')] });
      closing.push(() => client.close());
      const got = await call(client, PLACE).then(
        () => 'passes',
        (error: ServiceError) => outcomeOf(error).code,
      );
      expect(got, name).to.equal(wanted);
    }
  });
});

/** A call as bytes of HTTP/2, since no client library sends two headers of this name (RFC 9113 section 6, RFC 7541). */
function rawCall(authority: string, path: string, authorizations: readonly string[]): Buffer {
  const headers = [
    ...[
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', authority],
    ],
    ...[
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ],
    ...authorizations.map((value) => ['authorization', value]),
  ];
  // Literal fields without indexing (RFC 7541 section 6.2.2).
  const block = headers.flatMap(([name = '', value = '']) => [Buffer.of(0), text(name), text(value)]);
  const message = Buffer.from('{}');
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0, Buffer.alloc(0)), // SETTINGS
    frame(1, 4, 1, Buffer.concat(block)), // HEADERS with END_HEADERS
    frame(0, 1, 1, Buffer.concat([Buffer.of(0, 0, 0, 0, message.length), message])), // DATA with END_STREAM
  ]);
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 sections 5.1 and 5.2: the length in seven bits, and more bytes where it needs them. */
function text(value: string): Buffer {
  const bytes: number[] = [Math.min(value.length, 127)];
  if (value.length >= 127) {
    let rest = value.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
    bytes.push(rest);
  }
  return Buffer.concat([Buffer.from(bytes), Buffer.from(value)]);
}
