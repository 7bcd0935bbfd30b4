import 'reflect-metadata';

import { once } from 'node:events';
import { Agent, createServer, request as send, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { serve } from '@hono/node-server';
import { Controller, HttpCode, Module, Post, Req, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';

import { protect as protectFetch } from '../../../src/middleware/adapters/fetch.ts';
import { protect as protectFastify } from '../../../src/middleware/adapters/fastify.ts';
import { protect as protectHono } from '../../../src/middleware/adapters/hono.ts';
import { protect as protectKoa } from '../../../src/middleware/adapters/koa.ts';
import { Protect } from '../../../src/middleware/adapters/nest.ts';
import { isWaybillError, type Extractor, type RequestContext } from '../../../src/middleware/index.ts';
import { itIsAnAdapter } from './contract.ts';
import type { Outcome, Service, Start, Work } from './world.ts';

/** Outside of a protected request there is none. */
function codeOutside(waybill: Extractor): string {
  try {
    return waybill.current().claims.sub;
  } catch (error) {
    return isWaybillError(error) ? error.code : 'other';
  }
}

/** Posts a body, on few connections that are kept open; header lines go out as they are given. */
function client(
  port: number,
  close: () => Promise<unknown>,
  typeOfRefusal = 'application/problem+json',
): Service {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  async function post(path: string, authorizations: readonly string[]): Promise<Outcome> {
    const headers = [
      ...['Host', `127.0.0.1:${port}`, 'Content-Type', 'application/json', 'Content-Length', '13'],
      ...authorizations.flatMap((value) => ['Authorization', value]),
    ];
    const asked = send({ agent, port, path, host: '127.0.0.1', method: 'POST', headers });
    asked.end('{"item":"a1"}');
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    const isJson = /\bjson\b/.test(response.headers['content-type'] ?? '');
    const result = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
    const status = response.statusCode ?? 0;
    const isProblem = status >= 400 && response.headers['content-type']?.startsWith(typeOfRefusal) === true;
    return {
      status,
      code: isProblem ? String(result['code']) : undefined,
      challenge: response.headers['www-authenticate'],
      result: isProblem ? undefined : result,
    };
  }
  return {
    send: (...authorizations) => post('/orders', authorizations),
    open: async () => String((await post('/open', [])).result?.['code']),
    async close() {
      agent.destroy();
      await close();
    },
  };
}

async function listening(server: Server): Promise<Service> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  return client((server.address() as AddressInfo).port, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

const startExpress: Start = async (waybill, scope, work) => {
  const app = express().set('env', 'test');
  app.post('/orders', waybill.protect({ scope }), express.json(), async (request, response) => {
    response.json(await work(request.waybill));
  });
  app.post('/open', (_request, response) => void response.json({ code: codeOutside(waybill) }));
  return listening(createServer(app));
};

const startFastify: Start = async (waybill, scope, work) => {
  const app = fastify();
  app.post('/orders', protectFastify(waybill, { scope }), async (request) => work(request.waybill));
  app.post('/open', async () => ({ code: codeOutside(waybill) }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return client((app.server.address() as AddressInfo).port, () => app.close());
};

const startKoa: Start = async (waybill, scope, work) => {
  const app = new Koa();
  app.use(async (ctx, next) => {
    if (ctx.path === '/open') ctx.body = { code: codeOutside(waybill) };
    else await next();
  });
  app.use(protectKoa(waybill, { scope })).use(async (ctx) => {
    for await (const part of ctx.req) void part;
    ctx.body = await work(ctx.state.waybill);
  });
  const listener = app.callback();
  return listening(createServer((request, response) => void listener(request, response)));
};

function honoApp(waybill: Extractor, scope: string, work: Work): Hono {
  const app = new Hono();
  app.post('/orders', protectHono(waybill, { scope }), async (c) => {
    await c.req.json();
    return Response.json(await work(c.var.waybill));
  });
  app.post('/open', () => Response.json({ code: codeOutside(waybill) }));
  return app;
}

const startHono: Start = async (waybill, scope, work) => {
  const { fetch } = honoApp(waybill, scope, work);
  return listening(serve({ fetch, port: 0, hostname: '127.0.0.1' }) as Server);
};

/** As where there is no Node: the `Request` alone. */
const startHonoWithoutNode: Start = async (waybill, scope, work) => {
  const app = honoApp(waybill, scope, work);
  return listening(
    serve({ fetch: (request) => app.fetch(request), port: 0, hostname: '127.0.0.1' }) as Server,
  );
};

const startFetch: Start = async (waybill, scope, work) => {
  const handle = protectFetch(waybill, { scope }, async (request: Request, context: RequestContext) => {
    await request.json();
    return Response.json(await work(context));
  });
  const fetch = async (request: Request): Promise<Response> =>
    new URL(request.url).pathname === '/open'
      ? Response.json({ code: codeOutside(waybill) })
      : handle(request);
  return listening(serve({ fetch, port: 0, hostname: '127.0.0.1' }) as Server);
};

function nestModule(waybill: Extractor, scope: string, work: Work): Type {
  @Controller()
  class Orders {
    @Post('orders')
    @HttpCode(200)
    @Protect(waybill, { scope })
    async order(@Req() request: express.Request): Promise<object> {
      return work(request.waybill);
    }

    @Post('open')
    open(): object {
      return { code: codeOutside(waybill) };
    }
  }

  @Module({ controllers: [Orders] })
  class Shop {}
  return Shop;
}

const startNest: Start = async (waybill, scope, work) => {
  const app = await NestFactory.create(nestModule(waybill, scope, work), { logger: false });
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer() as Server;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await app.close();
  };
  return client((server.address() as AddressInfo).port, close, 'application/json');
};

const ADAPTERS: Readonly<Record<string, [start: Start, repeated: 'lines' | 'joined']>> = {
  Express: [startExpress, 'lines'],
  Fastify: [startFastify, 'lines'],
  Koa: [startKoa, 'lines'],
  Nest: [startNest, 'lines'],
  Hono: [startHono, 'lines'],
  'Hono without Node': [startHonoWithoutNode, 'joined'],
  fetch: [startFetch, 'joined'],
};

for (const [name, [start, repeated]] of Object.entries(ADAPTERS))
  describe(`the adapter for ${name}`, () =>
    itIsAnAdapter(start, { repeated, stepUp: name === 'Nest' ? 'status' : 'challenge' }));
