/** Checks over gRPC, asked by a real client. */
import { once } from 'node:events';
import { connect } from 'node:http2';

import { Client, Metadata, credentials, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';

import { bytesOf, lastOf, message, readFields, textOf } from '../../src/mesh/check/protobuf.ts';
import { serveGrpcChecks, type GrpcChecks } from '../../src/mesh/index.ts';
import { sendRaw } from '../support/http.ts';
import { claimsOf, openShop, type Shop } from './shop.ts';

const CHECK = '/envoy.service.auth.v3.Authorization/Check';
type Line = readonly [name: string, value: string];

/** As Envoy writes a question, with `encode_raw_headers`. */
function question(host: string, headers: readonly Line[]): Buffer {
  const lines = headers.map(([name, value]) => [1, message([1, name], [3, Buffer.from(value)])] as const);
  const http = message([2, 'GET'], [4, '/orders?x=1'], [5, host], [13, message(...lines)]);
  return message([1, message([4, message([2, http])])]);
}

describe('A check of the sidecar over gRPC', () => {
  let shop: Shop;
  let token: string;
  let checks: GrpcChecks;
  let client: Client;

  before(async () => {
    shop = await openShop();
    token = await shop.root();
    const { sidecar } = await shop.start();
    checks = await serveGrpcChecks(sidecar, { host: '127.0.0.1', port: 0, maxMessageBytes: 60_000 });
    client = new Client(`127.0.0.1:${checks.port}`, credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await checks.close();
    await shop.close();
  });

  const ask = (bytes: Buffer, direction?: string, path = CHECK): Promise<Buffer> => {
    const metadata = new Metadata();
    if (direction !== undefined) metadata.set('waybill-direction', direction);
    const asIs = (same: Buffer) => same;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, (error, answer) => {
        if (error) reject(error);
        else resolve(answer!);
      });
    });
  };
  const codeOf = (asked: Promise<unknown>): Promise<number> =>
    asked.then(
      () => 0,
      (error: unknown) => (error as ServiceError).code,
    );
  /** Headers by name; `undefined` if the request is refused. */
  const allowed = (answer: Buffer) => {
    const [ok] = bytesOf(readFields(answer), 3);
    if (ok === undefined) return undefined;
    const options = bytesOf(readFields(ok), 2).map((option) => readFields(lastOf(readFields(option), 1)));
    return new Map(options.map((fields) => [textOf(fields, 1), textOf(fields, 2)]));
  };
  /** HTTP status and code. */
  const refused = (answer: Buffer) => {
    const denied = readFields(lastOf(readFields(answer), 2));
    const [, status] = readFields(lastOf(denied, 1))[0] ?? [];
    return [status, (JSON.parse(textOf(denied, 3)) as { code: string }).code];
  };
  const own = (): Line => ['authorization', `Bearer ${token}`];

  it('decides as over HTTP: who calls, and what goes out', async () => {
    const headers = allowed(await ask(question('front.shop.example', [own(), ['X-Waybill-Act', 'x']])));
    expect(headers?.get('x-waybill-sub')).to.equal('web');
    expect(headers?.has('authorization')).to.equal(false);
    const out = allowed(await ask(question('stock:8080', [own()]), 'outbound'));
    expect(claimsOf(out?.get('authorization'))).to.include({ aud: 'https://stock.shop.example' });
  });

  it('names the headers to remove', async () => {
    const answer = await ask(question('x', [own(), ['X-Waybill-Act', 'admin'], ['x_waybill_any', '1']]));
    const removed = bytesOf(readFields(lastOf(readFields(answer), 3)), 5).map(String);
    expect(removed).to.include.members(['x-waybill-act', 'x_waybill_any']);
  });

  it('refuses what HTTP refuses, with its status and code', async () => {
    expect(refused(await ask(question('x', [])))).to.deep.equal([401, 'token_missing']);
    expect(refused(await ask(question('x', [own(), own()])))).to.deep.equal([400, 'token_repeated']);
    expect(refused(await ask(question('elsewhere', [own()]), 'outbound'))).to.deep.equal([
      403,
      'child_missing',
    ]);
    expect(refused(await ask(Buffer.alloc(0)))).to.deep.equal([401, 'token_missing']);
  });

  it('refuses bytes that are no message, and one that is too large, and goes on', async () => {
    const whole = question('x', [own()]);
    for (const bytes of [whole.subarray(0, -1), Buffer.from('ffffffffffffffffffffffff', 'hex')])
      expect(await codeOf(ask(bytes))).to.equal(13);
    expect(await codeOf(ask(question('x', [['authorization', 'a'.repeat(61_000)]])))).to.equal(8);
    expect(allowed(await ask(whole))?.get('x-waybill-sub')).to.equal('web');
  });

  it('answers as many questions at once as come, however large', async () => {
    const padding: Line = ['x-padding', 'a'.repeat(50_000)];
    const asked = Array.from({ length: 400 }, () => ask(question('x', [own(), padding])));
    const names = (await Promise.all(asked)).map((answer) => allowed(answer)?.get('x-waybill-sub'));
    expect(new Set(names)).to.deep.equal(new Set(['web']));
  });

  it('knows no other method, and goes on after what is no gRPC', async () => {
    expect(await codeOf(ask(Buffer.alloc(0), undefined, `${CHECK}s`))).to.equal(12);
    const origin = `http://127.0.0.1:${checks.port}`;
    expect(await sendRaw(origin, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).not.to.match(/^HTTP/);
    expect(allowed(await ask(question('x', [own()])))?.get('x-waybill-sub')).to.equal('web');
  });

  it('ends its connections, and lets running checks end before', async () => {
    const { sidecar } = await shop.start();
    const options = { host: '127.0.0.1', port: 0, maxMessageBytes: 60_000 };
    const closing = await serveGrpcChecks(sidecar, options);
    const other = connect(`http://127.0.0.1:${closing.port}`);
    await once(other, 'connect');
    const stream = other.request({ ':method': 'POST', ':path': CHECK });
    const asked = question('x', [own()]);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(asked.length, 1);
    stream.write(Buffer.concat([prefix, asked]));
    // Its answer shows that the question has begun to arrive.
    await new Promise<void>((resolve) => void other.ping(() => resolve()));
    const closed = closing.close();
    stream.end();
    const trailers = once(stream, 'trailers');
    stream.resume();
    expect(((await trailers) as [Record<string, string>])[0]['grpc-status']).to.equal('0');
    await closed;
  });

  it('answers the health check of gRPC', async () => {
    const answer = await ask(Buffer.alloc(0), undefined, '/grpc.health.v1.Health/Check');
    expect(readFields(answer)).to.deep.equal([[1, 1]]);
  });
});
