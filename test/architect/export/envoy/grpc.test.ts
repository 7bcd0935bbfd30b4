/** A service that speaks gRPC, and its callee, behind a real Envoy with the exported configuration. */
import {
  Client,
  Metadata,
  Server,
  ServerCredentials,
  credentials,
  status,
  type ServerDuplexStream,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { expect } from 'chai';

import { planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers, freePort } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { startService } from './one-service.ts';

const graph = (issuer: string): string => `waybill: 1
issuer: { url: '${issuer}' }
defaults: { headers: { profile: envoy }, audience: 'http://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy, look] } } }
services:
  shop:
    scopes:
      buy: { operations: [/acme.v1.Shop/Talk], calls: { stock: [take] } }
      look: { operations: [/acme.v1.Shop/Look] }
  stock: { scopes: { take: { operations: [/acme.v1.Shop/Talk] } } }
`;

const asIs = (bytes: Buffer): Buffer => bytes;
const method = (name: string) => ({
  ...{ path: `/acme.v1.Shop/${name}`, requestStream: true, responseStream: true },
  ...{ requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs },
});
const SHOP: ServiceDefinition = { talk: method('Talk'), look: method('Look') };

interface Heard {
  readonly words: readonly string[];
  readonly code: number;
  readonly trailers: Metadata;
}

describe(`gRPC through Envoy${needsEnvoy}`, function () {
  this.timeout(60_000);
  let issuer: ScriptedIssuer;
  const server = new Server();
  let ports: readonly [inbound: number, outbound: number];
  const seen: Metadata[] = [];

  before(async function () {
    if (!hasEnvoy) this.skip();
    issuer = await startScriptedIssuer();
    server.addService(SHOP, {
      talk(stream: ServerDuplexStream<Buffer, Buffer>) {
        seen.push(stream.metadata);
        const trailers = new Metadata();
        trailers.set('said', 'goodbye');
        // Each word is answered before the next comes.
        stream.on('data', (word: Buffer) => stream.write(Buffer.from(`${word.toString()}!`)));
        stream.on('end', () => stream.end(trailers));
      },
      look(stream: ServerDuplexStream<Buffer, Buffer>) {
        stream.emit('error', { code: status.NOT_FOUND, details: 'there is none' });
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    const local = (one: number) => ({ host: '127.0.0.1', port: one });
    ports = [await freePort(), await freePort()];
    await startService(planOf(graph(issuer.url)), 'shop', {
      ...{ application: local(port), addresses: new Map([['stock', local(port)]]) },
      ...{ inbound: local(ports[0]), outbound: local(ports[1]) },
    });
  });
  beforeEach(() => void seen.splice(0));
  after(async () => {
    server.forceShutdown();
    await stopEnvoys();
    await closeServers();
    removeScratch();
  });

  const tokenWith = async (claims: object): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const own = { aud: 'http://shop.example', client_id: 'web', scope: 'buy look' };
    return issuer.token({ ...own, iat: now, exp: now + 300, ...claims });
  };

  /** Says words one after the other, each when the one before is answered. */
  async function talk(port: number, host: string, name: string, token?: string): Promise<Heard> {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.default_authority': host,
    });
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const stream = client.makeBidiStreamRequest(`/acme.v1.Shop/${name}`, asIs, asIs, metadata);
    const left = ['two', 'three'];
    const words: string[] = [];
    const heard = await new Promise<Heard>((resolve) => {
      stream.on('data', (word: Buffer) => {
        words.push(word.toString());
        const next = left.shift();
        if (next === undefined) stream.end();
        else stream.write(Buffer.from(next));
      });
      stream.on('error', () => undefined);
      stream.on('status', ({ code, metadata: trailers }: ServiceError) => resolve({ words, code, trailers }));
      stream.write(Buffer.from('one'));
    });
    client.close();
    return heard;
  }

  for (const [way, port, host] of [
    ['a request', 0, 'shop.example'],
    ['a call', 1, 'stock.example'],
  ] as const)
    it(`${way}: streams in both directions, and brings trailers`, async () => {
      const child = await tokenWith({ aud: 'http://stock.example' });
      const token = await tokenWith({ embedded: { stock: child } });
      const { words, code, trailers } = await talk(ports[port], host, 'Talk', token);
      expect([words, code, trailers.get('said')]).to.deep.equal([
        ['one!', 'two!', 'three!'],
        status.OK,
        ['goodbye'],
      ]);
      expect(seen[0]?.get('authorization')).to.deep.equal([`Bearer ${port === 0 ? token : child}`]);
      expect(seen[0]?.get('x-waybill-sub')).to.have.length(port === 0 ? 1 : 0);
    });

  it('passes the status of the service on', async () => {
    const { code } = await talk(ports[0], 'shop.example', 'Look', await tokenWith({}));
    expect(code).to.equal(status.NOT_FOUND);
  });

  it('refuses in the words of gRPC', async () => {
    const codes = [
      await talk(ports[0], 'shop.example', 'Talk'),
      await talk(ports[0], 'shop.example', 'Talk', await tokenWith({ scope: 'look' })),
      await talk(ports[0], 'shop.example', 'Other', await tokenWith({})),
      await talk(ports[1], 'stock.example', 'Talk', await tokenWith({})),
      await talk(ports[1], 'elsewhere.example', 'Talk', await tokenWith({})),
    ].map(({ code }) => code);
    const denied = status.PERMISSION_DENIED;
    expect(codes).to.deep.equal([status.UNAUTHENTICATED, denied, denied, denied, denied]);
    expect(seen).to.deep.equal([]);
  });
});
