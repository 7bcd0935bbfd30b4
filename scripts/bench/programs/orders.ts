/**
 * A service in Express that answers orders: below /plain as it is, below /waybill through the extractor, which verifies the
 * token and makes the header of a call. Argument: its configuration as JSON. It calls nobody: what a call costs is the same.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { extractor, type ExtractorOptions } from 'waybill/middleware';

export interface OrdersConfig {
  readonly options: Pick<ExtractorOptions, 'issuer' | 'audience' | 'caller' | 'jwksUri' | 'budget'>;
  readonly path: string;
  readonly scope: string;
  readonly callee: string;
  readonly maxHeaderSize: number;
}

const { options, path, scope, callee, maxHeaderSize } = JSON.parse(process.argv[2] ?? '') as OrdersConfig;
const answer: RequestHandler = (_request, response) => void response.send('ok');
const makeHeader: RequestHandler = (request, response, next) => {
  response.locals['headers'] = request.waybill.headersFor(callee);
  next();
};
const app = express();
app.post(`/plain${path}`, answer);
app.post(`/waybill${path}`, extractor(options).protect({ scope }), makeHeader, answer);
const server = createServer({ maxHeaderSize }, app);
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () =>
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
