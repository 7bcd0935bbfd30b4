/**
 * Requests as Express hands them to a middleware, out of a server: Node's own objects with Express's prototype.
 *
 * The text of a header is made anew each time from its bytes, as a server does it: a text that was seen before, as an
 * object, would be compared and hashed at no cost.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, { type Request, type Response } from 'express';
import type { Token } from './tokens.ts';

/** How Node's parser gives a request its headers; what it makes of them is left to whoever asks. */
interface Parsed extends IncomingMessage {
  _addHeaderLines(lines: readonly string[], count: number): void;
}

const PREFIX = Buffer.from('Bearer ');
const app = express();
const socket = new Socket();

export function headerOf({ sent }: Token): string {
  return Buffer.concat([PREFIX, sent]).toString('latin1');
}

export function requestWith(token: Token): Request {
  const message = new IncomingMessage(socket) as Parsed;
  message.method = 'POST';
  message.url = '/cart/checkout';
  const lines = ['Host', 'frontend.boutique.example', 'Authorization', headerOf(token)];
  message._addHeaderLines(lines, lines.length);
  const request = Object.setPrototypeOf(message, app.request) as Request;
  // Its own, since the middleware listens for its end. Nothing is written to it unless the request is refused.
  request.res = Object.setPrototypeOf(new ServerResponse(message), app.response) as Response;
  return request;
}
