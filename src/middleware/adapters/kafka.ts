/**
 * The adapter for Kafka, for messages in the shape of kafkajs; it imports nothing. The producer puts the consumer's token
 * into the header `authorization`, and the consumer verifies it as a service verifies a request.
 *
 * A token lives for minutes and a message can wait for days. A late consumer gets `token_expired`: it must then do
 * what it does under its own authority, or not at all. Whoever can read the topic can present the token to its
 * callee while it lives. There is no connection, so `caller: 'mtls'` refuses each message.
 */

import { usageError } from '../../errors.ts';
import type {
  Extractor,
  HeaderLine,
  ProtectOptions,
  Refused,
  RequestContext,
  TokenSource,
} from '../index.ts';
import { authorizationFor } from './authorization-for.ts';

/** Headers of a message; a repeated one has a list. */
export interface MessageHeaders {
  [name: string]: string | Buffer | (string | Buffer)[] | undefined;
}

/** What the adapter needs of a message. */
export interface MessageWithHeaders {
  readonly headers?: MessageHeaders | undefined;
}

/** What a consumer asks of a message, and what becomes of one that it refuses. */
export interface ConsumeOptions<Payload> extends ProtectOptions {
  /**
   * Gets each message whose token is refused, with the reason: `token_expired` for one that came too late. It may store
   * the message elsewhere, or process it under the consumer's own authority. What it throws, Kafka's client gets.
   */
  readonly onRefused: (payload: Payload, refused: Refused) => void | Promise<void>;
}

const HEADER = 'authorization';

/**
 * Puts the token of the consumer into the headers of a message. It is an error if there is none: nothing must be sent then.
 *
 * @param source the extractor, whose current request then counts, or the context of one request.
 * @param callee the consumer's name in the graph, or its audience.
 * @returns a copy of the message.
 * @throws WaybillError as `obtainHeaders`; `usage` outside of a request, and for a message that has the header already.
 *
 * @example
 * ```ts
 * import type { Extractor } from 'waybill/middleware';
 * import { withToken } from 'waybill/middleware/kafka';
 *
 * interface Producer {
 *   send(record: { topic: string; messages: { value: string }[] }): Promise<unknown>;
 * }
 * async function ordered(waybill: Extractor, producer: Producer, order: object): Promise<void> {
 *   const message = await withToken(waybill, 'mailer', { value: JSON.stringify(order) });
 *   await producer.send({ topic: 'orders', messages: [message] });
 * }
 * ```
 */
export async function withToken<Message extends object>(
  source: TokenSource,
  callee: string,
  message: Message & MessageWithHeaders,
): Promise<Message & { headers: MessageHeaders }> {
  const { headers = {} } = message;
  if (authorizationLines(headers).length > 0)
    throw usageError('the message has the header authorization already');
  const authorization = await authorizationFor(source, callee);
  return { ...message, headers: { ...headers, ...(authorization && { [HEADER]: authorization }) } };
}

/**
 * Makes the `eachMessage` of a consumer: only a message with a valid token reaches the handler. If the issuer cannot be
 * asked, it throws (`issuer_unavailable`, `issuer_metadata`, `introspection_refused`), so that Kafka's client tries again; all others
 * that are refused go to `onRefused`.
 *
 * @param handler gets the context of the message as second argument; `current()` and `fetch` of the extractor are those of
 *   the message until its promise settles.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import { extractor } from 'waybill/middleware';
 * import { protect, type MessageWithHeaders } from 'waybill/middleware/kafka';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://mailer.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * const eachMessage = protect(
 *   waybill,
 *   {
 *     scope: 'mail',
 *     onRefused: (_payload, { error }) => console.error(`not mailed: ${error.code}`),
 *   },
 *   async (_payload: { message: MessageWithHeaders }, context) => {
 *     await context.fetch('https://addresses.example/', { method: 'POST' });
 *   },
 * );
 * ```
 */
export function protect<Payload extends { readonly message: MessageWithHeaders }>(
  waybill: Extractor,
  { onRefused, ...options }: ConsumeOptions<Payload>,
  handler: (payload: Payload, context: RequestContext) => void | Promise<void>,
): (payload: Payload) => Promise<void> {
  const admit = waybill.admission(options);
  if (typeof onRefused !== 'function') throw usageError('onRefused must be a function');
  return async (payload) => {
    const admission = await admit({ headers: authorizationLines(payload.message.headers) });
    if (admission.refusal) {
      // Nothing is known of the token.
      if (admission.refusal.status === 503) throw admission.error;
      return onRefused(payload, admission);
    }
    try {
      await admission.run(() => handler(payload, admission.context));
    } finally {
      admission.end();
    }
  };
}

/** Names of Kafka's headers have a case; a second token under another spelling must not go unseen. */
function authorizationLines(headers: MessageHeaders = {}): HeaderLine[] {
  return Object.entries(headers)
    .filter(([name]) => name.toLowerCase() === HEADER)
    .flatMap(([name, values]) =>
      [values ?? []].flat().map((value): HeaderLine => [name, Buffer.from(value).toString('latin1')]),
    );
}
