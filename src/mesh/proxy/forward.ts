/** Passes a request on, and its answer back. Both bodies stream: neither side is read faster than the other takes it. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';

import { WaybillError, isWaybillError } from '../../errors.ts';
import { headerValues } from '../../input/header-lines.ts';
import type { HeaderLine } from '../identity-headers.ts';
import type { Destination } from './destinations.ts';
import { answerLines, hasBody } from './forwarded-headers.ts';
import { isChunked } from './target.ts';

export interface Forwarding {
  readonly destination: Destination;
  readonly path: string;
  readonly lines: readonly HeaderLine[];
  /** Longest silence of the other side, and longest wait for a connection. */
  readonly silenceMs: number;
}

/** RFC 9110 section 9.2.2: those that may be sent twice. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** A connection that was kept open has ended as the request was written to it. */
class StaleConnection extends Error {}

/**
 * Resolves when the answer was sent, or when nobody waits for it any more.
 *
 * @throws WaybillError `upstream_unavailable`, `upstream_timeout`. The answer may have begun then.
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  forwarding: Forwarding,
): Promise<void> {
  try {
    await send(request, response, forwarding);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    await send(request, response, forwarding);
  }
}

function send(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): Promise<void> {
  const { destination, path, lines, silenceMs } = forwarding;
  const { method = '' } = request;
  return new Promise((resolve, reject) => {
    const outgoing = (destination.origin.protocol === 'https:' ? httpsRequest : httpRequest)({
      host: destination.origin.hostname.replace(/^\[|\]$/g, ''),
      port: destination.origin.port,
      agent: destination.agent,
      method,
      path,
      headers: lines.flat(),
      timeout: silenceMs,
    });
    const isRepeatable = REPEATABLE.has(method) && !hasBody(request);
    response.once('close', () => {
      if (!response.writableFinished) outgoing.destroy();
      resolve();
    });
    request.once('close', () => {
      if (!request.complete) outgoing.destroy();
    });
    // While the request itself is still on its way, its sender may be the slow one; the server's own timeout is for that.
    outgoing.on('timeout', () => {
      if (request.complete)
        outgoing.destroy(new WaybillError('upstream_timeout', 'the other side did not answer in time'));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (response.destroyed) resolve();
      else if (error.code === 'ECONNRESET' && outgoing.reusedSocket && isRepeatable && !response.headersSent)
        reject(new StaleConnection());
      else reject(unavailable(error));
    });
    outgoing.on('response', (answer) => {
      if (headerValues(answer.rawHeaders, 'transfer-encoding').some((coding) => !isChunked(coding)))
        return void outgoing.destroy(new Error('an answer in a transfer coding that is not chunked'));
      response.sendDate = false;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', answerLines(answer).flat());
      pipeline(answer, response, (error) => {
        if (error && !response.writableFinished && !request.destroyed) reject(unavailable(error));
        else resolve();
      });
    });
    request.pipe(outgoing);
  });
}

function unavailable(error: NodeJS.ErrnoException): WaybillError {
  if (isWaybillError(error)) return error;
  return new WaybillError('upstream_unavailable', 'the other side did not answer', {
    detail: error.code === undefined ? error.message : `${error.code}: ${error.message}`,
  });
}
