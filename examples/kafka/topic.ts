/**
 * A topic within the process, in place of Kafka, with the methods and messages of kafkajs. It keeps nothing, and ends with a
 * consumer that throws, where Kafka's client would give it the message again.
 */
import { PassThrough } from 'node:stream';

import type { MessageHeaders } from 'waybill/middleware/kafka';

export interface Message {
  readonly value: string;
  readonly headers?: MessageHeaders;
}

/** What a consumer gets: all values as bytes. */
export interface Payload {
  readonly topic: string;
  readonly message: { readonly value: Buffer; readonly headers: MessageHeaders };
}

export interface Topic {
  send(record: { readonly messages: readonly Message[] }): Promise<void>;
  run(consumer: { readonly eachMessage: (payload: Payload) => Promise<void> }): Promise<void>;
}

export function topic(name: string): Topic {
  const waiting = new PassThrough({ objectMode: true });
  return {
    async send({ messages }) {
      for (const { value, headers = {} } of messages)
        waiting.write({ topic: name, message: { value: Buffer.from(value), headers: asBytes(headers) } });
    },
    async run({ eachMessage }) {
      for await (const payload of waiting) await eachMessage(payload as Payload);
    },
  };
}

function asBytes(headers: MessageHeaders): MessageHeaders {
  const entries = Object.entries(headers);
  return Object.fromEntries(
    entries.map(([name, values]) => [name, [values ?? []].flat().map((value) => Buffer.from(value))]),
  );
}
