/**
 * One service of the shop, as a program of its own. It knows no graph: its parent tells it which operations it has,
 * the scope that each needs and what each calls. All that it does about tokens is `protect` and `request.waybill.fetch`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express, type Request, type Response } from 'express';
import { extractor } from 'waybill/middleware';
import { addressOf, expressPath, routeOf, type Operation } from './operations.ts';

export interface ServiceConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly operations: readonly HandledOperation[];
  /** Where the other services are, by name. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface HandledOperation {
  readonly operation: string;
  readonly scope: string;
  /** Called in this order, one after the other. */
  readonly calls: readonly Operation[];
}

/** A request that was let in. */
export interface SeenRequest {
  /** Milliseconds of the machine's monotonic clock, which all processes share. */
  readonly at: number;
  readonly operation: string;
  /** The token's `act.sub`; its `client_id` where it has no `act`. */
  readonly caller: string;
  readonly scopes: readonly string[];
  readonly txn: string;
  readonly jti: string;
  readonly tokenBytes: number;
  /** Bytes of the Authorization header: name, colon, blank, value, CRLF. */
  readonly lineBytes: number;
}

/** Each question of the parent gets one answer. */
export type Question = { readonly configure: ServiceConfig } | 'address' | 'seen';

const seen: SeenRequest[] = [];
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');

process.once('disconnect', () => process.exit());
process.on('message', (question: Question) => process.send?.(answer(question)));

function answer(question: Question): unknown {
  if (question === 'address') return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (question === 'seen') return seen.splice(0);
  server.on('request', application(question.configure));
  return 'ready';
}

function application({ issuer, audience, operations, addresses }: ServiceConfig): Express {
  const routes = Object.fromEntries(Object.entries(addresses).map(([name, address]) => [address, name]));
  const waybill = extractor({ issuer, audience, caller: 'none', routes });
  const app = express();
  for (const { operation, scope, calls } of operations) {
    const { method, path } = routeOf(operation);
    app[method](expressPath(path), waybill.protect({ scope }), async (request, response) => {
      seen.push(noted(request, operation));
      await callAll(calls, addresses, request, response);
    });
  }
  app.use(
    (request, response) => void response.status(404).json({ detail: `no ${request.method} ${request.path}` }),
  );
  return app;
}

function noted(request: Request, operation: string): SeenRequest {
  const { claims, scopes } = request.waybill;
  const value = request.headers.authorization ?? '';
  return {
    at: Number(process.hrtime.bigint()) / 1e6,
    operation,
    caller: claims.act?.sub ?? claims.client_id,
    scopes,
    txn: claims.txn,
    jti: claims.jti,
    tokenBytes: value.length - 'Bearer '.length,
    lineBytes: `authorization: ${value}\r\n`.length,
  };
}

async function callAll(
  calls: readonly Operation[],
  addresses: ServiceConfig['addresses'],
  request: Request,
  response: Response,
): Promise<void> {
  for (const { service, operation } of calls) {
    const { method, url } = addressOf(addresses[service] ?? '', operation);
    try {
      const answered = await request.waybill.fetch(url, { method });
      const { detail } = (await answered.json()) as { detail?: string };
      if (!answered.ok) return fail(response, `${service} answered ${answered.status}: ${detail}`);
    } catch (error) {
      return fail(response, `${service} was not reached: ${reasonOf(error)}`);
    }
  }
  response.json({ done: true });
}

function fail(response: Response, detail: string): void {
  response.status(502).json({ detail });
}

/** `fetch failed` says little; its cause says why. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
