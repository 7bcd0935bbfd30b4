/**
 * The servers that are measured, as they come: started on a free port of loopback, with no setting that is about headers.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Server as GrpcServer, ServerCredentials, Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import express from 'express';
import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort } from '../../test/support/http.ts';
import {
  firstLineOf,
  go,
  isMissing,
  jarVersion,
  java,
  python,
  type Command,
  type Found,
} from '../foreign/tools.ts';
import {
  envoyConfiguration,
  haproxyConfiguration,
  nginxConfiguration,
  type Configuration,
} from './proxies.ts';
import type { Protocol } from './request.ts';

export interface Running {
  readonly port: number;
  readonly version: string;
  readonly stop: () => Promise<void>;
}

export interface MeasuredServer {
  readonly profile: string;
  readonly protocols: readonly Protocol[];
  /** @param install whether libraries of other languages are fetched. */
  readonly start: (install: boolean) => Promise<Found<Running>>;
}

const H1: readonly Protocol[] = ['http/1.1'];
const H2: readonly Protocol[] = ['http/2'];
const BOTH: readonly Protocol[] = ['http/1.1', 'http/2'];

const lengthOf = (header: string | undefined): string => String(header?.length ?? 0);

/** Node, Express and the proxies: what a test can start where their programs are. */
export const QUICK: readonly MeasuredServer[] = [
  {
    profile: 'node',
    protocols: H1,
    start: () =>
      ofNode(createServer((request, response) => response.end(lengthOf(request.headers.authorization)))),
  },
  {
    profile: 'express',
    protocols: H1,
    start: () =>
      ofNode(
        createServer(
          express().get(
            '/',
            (request, response) => void response.send(lengthOf(request.headers.authorization)),
          ),
        ),
      ),
  },
  { profile: 'node-http2', protocols: H2, start: startNodeHttp2 },
  { profile: 'grpc-js', protocols: ['grpc'], start: startGrpcJs },
  // Over HTTP/2 it counts the compressed form, which is smaller.
  { profile: 'nginx', protocols: H1, start: () => proxy('nginx', ['-v'], nginxConfiguration) },
  { profile: 'haproxy', protocols: BOTH, start: () => proxy('haproxy', ['-v'], haproxyConfiguration) },
  {
    profile: 'envoy',
    protocols: BOTH,
    start: () => proxy(process.env['WAYBILL_ENVOY'] ?? 'envoy', ['--version'], envoyConfiguration),
  },
];

/** Who brings each server of `Headers.java`; the JDK's own has the JDK's version. */
const ARTIFACTS = {
  jdk: undefined,
  tomcat: 'tomcat-embed-core',
  jetty: 'jetty-http2-server',
  undertow: 'undertow-core',
  vertx: 'vertx-core',
  'reactor-netty': 'reactor-netty-http',
};

/** Those that need other languages, and libraries of theirs. */
export const FOREIGN: readonly MeasuredServer[] = [
  { profile: 'go', protocols: BOTH, start: (install) => ofGo('http', install) },
  { profile: 'grpc-go', protocols: ['grpc'], start: (install) => ofGo('grpc', install) },
  ...['http.server', 'werkzeug', 'aiohttp'].map((kind) =>
    ofPython(kind, kind === 'http.server' ? 'python-http-server' : kind, H1, (port) => [
      HEADERS_PY,
      kind,
      String(port),
    ]),
  ),
  ofPython('gunicorn', 'gunicorn', H1, (port) => [
    '-m',
    'gunicorn',
    '-b',
    `127.0.0.1:${port}`,
    '--log-level',
    'critical',
    'headers:wsgi',
  ]),
  ...(['h11', 'httptools'] as const).map((http) =>
    ofPython('uvicorn', http === 'h11' ? 'uvicorn' : 'uvicorn-httptools', H1, (port) => [
      '-m',
      'uvicorn',
      '--port',
      String(port),
      '--http',
      http,
      '--log-level',
      'critical',
      'headers:asgi',
    ]),
  ),
  ofPython('hypercorn', 'hypercorn', BOTH, (port) => [
    '-m',
    'hypercorn',
    '-b',
    `127.0.0.1:${port}`,
    '--log-level',
    'critical',
    'headers:asgi',
  ]),
  ...(Object.keys(ARTIFACTS) as (keyof typeof ARTIFACTS)[]).map(ofJava),
];

async function ofNode(server: Server): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, version: process.version, stop };
}

async function startNodeHttp2(): Promise<Running> {
  const server = createHttp2Server((request, response) =>
    response.end(lengthOf(request.headers.authorization)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => Promise.resolve(void server.close());
  return { port: (server.address() as AddressInfo).port, version: process.version, stop };
}

async function startGrpcJs(): Promise<Running> {
  const server = new GrpcServer();
  const bytes = (value: Buffer): Buffer => value;
  server.addService(
    {
      Call: {
        path: '/waybill.Measured/Call',
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    {
      Call: (call: ServerUnaryCall<Buffer, Buffer>, answer: (error: null, value: Buffer) => void) => {
        const metadata = new Metadata();
        metadata.set('x-length', lengthOf(String(call.metadata.get('authorization')[0])));
        call.sendMetadata(metadata);
        answer(null, Buffer.alloc(0));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, version: process.version, stop: async () => Promise.resolve(server.forceShutdown()) };
}

/** Behind each proxy is a server of Node's that takes more than any proxy lets pass. */
async function proxy(
  command: string,
  versionArgs: readonly string[],
  configuration: (port: number, upstream: number) => Configuration,
): Promise<Found<Running>> {
  const said = firstLineOf(command, versionArgs);
  const version = said && (/(?<!\d)\d+\.\d+\.\d+/.exec(said)?.[0] ?? said);
  if (version === undefined) return { missing: `${command} is missing` };
  const upstream = await ofNode(
    createServer({ maxHeaderSize: 8 * 1024 * 1024 }, (request, response) =>
      response.end(lengthOf(request.headers.authorization)),
    ),
  );
  const port = await freePort();
  const { args, remove } = configuration(port, upstream.port);
  const running = await program({ command, args }, port, version);
  return isMissing(running)
    ? running
    : {
        ...running,
        stop: async () => {
          await running.stop();
          await upstream.stop();
          remove();
        },
      };
}

const FOLDER = fileURLToPath(new URL('../foreign/python', import.meta.url));
const HEADERS_PY = 'headers.py';
const HEADERS_JAVA = fileURLToPath(new URL('../foreign/java/Headers.java', import.meta.url));

function ofPython(
  module: string,
  profile: string,
  protocols: readonly Protocol[],
  args: (port: number) => readonly string[],
): MeasuredServer {
  return {
    profile,
    protocols,
    start: async (install) => {
      const found = python(install);
      if (isMissing(found)) return found;
      const port = await freePort();
      const asked =
        module === 'http.server'
          ? 'import sys; print(sys.version.split()[0])'
          : `from importlib.metadata import version; print(version('${module}'))`;
      return program(
        { command: found.command, args: args(port) },
        port,
        firstLineOf(found.command, ['-c', asked]) ?? '',
        FOLDER,
      );
    },
  };
}

async function ofGo(kind: string, install: boolean): Promise<Found<Running>> {
  const found = go('headers', install);
  if (isMissing(found)) return found;
  const port = await freePort();
  return program(
    { ...found, args: [kind, String(port)] },
    port,
    /go[\d.]+/.exec(firstLineOf('go', ['version']) ?? '')?.[0] ?? '',
  );
}

function ofJava(kind: keyof typeof ARTIFACTS): MeasuredServer {
  return {
    profile: kind === 'jdk' ? 'jdk-httpserver' : kind,
    protocols: kind === 'jdk' ? H1 : BOTH,
    start: async (install) => {
      const found = java(install);
      if (isMissing(found)) return found;
      const port = await freePort();
      return program(
        { ...found, args: [...found.args, HEADERS_JAVA, kind, String(port)] },
        port,
        jarVersion(ARTIFACTS[kind]),
      );
    },
  };
}

/** Starts a program, and waits until it listens. */
async function program(
  { command, args }: Command,
  port: number,
  version: string,
  cwd?: string,
): Promise<Found<Running>> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  if (await listens(child, port)) return { port, version, stop };
  await stop();
  return { missing: `${command} ${args.join(' ')} did not start: ${said.trim().split('\n').at(-1) ?? ''}` };
}

async function listens(child: ChildProcess, port: number): Promise<boolean> {
  for (let attempt = 0; attempt < 600 && child.exitCode === null; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return true;
    await pause(50);
  }
  return false;
}
