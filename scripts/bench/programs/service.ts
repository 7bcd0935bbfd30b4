/**
 * A service of the shop as in the demo, but for two things: it speaks plain HTTP, so that what tokens cost is not lost in
 * what TLS costs; and it answers under one path for each way of getting a token for the next call, `/<strategy>/…`.
 */
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { extractor, type CredentialsOptions } from 'waybill/middleware';
import { answerParent } from '../../demo/programs/child.ts';
import { addressOf, expressPath, routeOf, type Operation } from '../../demo/programs/operations.ts';
import type { HandledOperation } from '../../demo/programs/service.ts';

export interface ServiceConfig {
  readonly operations: readonly HandledOperation[];
  /** Where the services listen, by name. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly strategies: readonly StrategyConfig[];
}

export interface StrategyConfig {
  readonly name: string;
  /** `iss` of the tokens. */
  readonly issuer: string;
  /** Where that issuer answers. */
  readonly issuerAddress: string;
  readonly audience: string;
  /** Absent where the service fetches no tokens. */
  readonly credentials: CredentialsOptions | undefined;
  /** The received token is sent on, and has this scope; absent: each callee gets its own token, with its own scope. */
  readonly forwarded: string | undefined;
}

type Call = (request: Request, url: string, method: string) => Promise<globalThis.Response>;

answerParent<ServiceConfig, never>(({ operations, addresses, strategies }): Express => {
  const app = express();
  for (const strategy of strategies) {
    const waybill = extractorOf(strategy, addresses);
    const call = strategy.forwarded === undefined ? withOwnToken : withSameToken;
    for (const { operation, scope, calls } of operations) {
      const { method, path } = routeOf(operation);
      const admit = waybill.protect({ scope: strategy.forwarded ?? scope });
      const base = (service: string): string => `${addresses[service]}/${strategy.name}`;
      app[method](`/${strategy.name}${expressPath(path)}`, admit, callAll(calls, base, call));
    }
  }
  return app;
});

function extractorOf(strategy: StrategyConfig, addresses: ServiceConfig['addresses']) {
  const { issuer, issuerAddress, audience, credentials } = strategy;
  return extractor({
    issuer,
    audience,
    caller: 'none',
    jwksUri: `${issuerAddress}/jwks`,
    routes: Object.fromEntries(Object.entries(addresses).map(([name, address]) => [address, name])),
    ...(credentials && { credentials, tokenEndpoint: `${issuerAddress}/token` }),
  });
}

const withOwnToken: Call = (request, url, method) => request.waybill.fetch(url, { method });

const withSameToken: Call = (request, url, method) =>
  fetch(url, { method, headers: { authorization: request.headers.authorization ?? '' } });

/** One after the other, as the demo's services do. */
function callAll(calls: readonly Operation[], base: (service: string) => string, call: Call): RequestHandler {
  return async (request: Request, response: Response) => {
    for (const { service, operation } of calls) {
      const { method, url } = addressOf(base(service), operation);
      const answer = await call(request, url, method.toUpperCase());
      const text = await answer.text();
      if (!answer.ok) {
        response.status(502).json({ detail: `${service} answered ${answer.status}: ${text}` });
        return;
      }
    }
    response.json({ done: true });
  };
}
