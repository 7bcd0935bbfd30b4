/** The consumer: only a message with a valid token for `stock` is worked on. */
import type { Extractor } from 'waybill/middleware';
import { protect } from 'waybill/middleware/kafka';

import type { Payload } from './topic.ts';

/**
 * @param say gets what became of each message.
 * @returns the `eachMessage` of a consumer.
 */
export function stock(waybill: Extractor, say: (line: string) => void): (payload: Payload) => Promise<void> {
  return protect(
    waybill,
    { scope: 'reserve', onRefused: (_payload: Payload, { error }) => say(`stock refuses: ${error.code}`) },
    (_payload, { claims }) => say(`stock reserves for ${claims.client_id}, asked by ${claims.act?.sub}`),
  );
}
