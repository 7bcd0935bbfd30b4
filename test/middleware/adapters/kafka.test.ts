import { expect } from 'chai';

import {
  protect,
  withToken,
  type MessageHeaders,
  type MessageWithHeaders,
} from '../../../src/middleware/adapters/kafka.ts';
import { isWaybillError, type RequestContext } from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { itIsAnAdapter } from './contract.ts';
import { startWorld, type Outcome, type Start, type World } from './world.ts';

/** The payload of `eachMessage` in kafkajs, as far as it matters here. */
interface Payload {
  readonly topic: string;
  readonly message: MessageWithHeaders & { readonly value: Buffer };
}

/** kafkajs gives the headers of a received message as buffers, and a list where a name is repeated. */
function received(headers: MessageHeaders): Payload {
  return { topic: 'orders', message: { headers, value: Buffer.from('{"item":"a1"}') } };
}

const start: Start = async (waybill, scope, work) => {
  const outcomes = new Map<Payload, Outcome>();
  const eachMessage = protect(
    waybill,
    {
      scope,
      onRefused(payload: Payload, { refusal: { status, code, headers } }) {
        outcomes.set(payload, { status, code, challenge: headers['www-authenticate'] });
      },
    },
    async (payload, context: RequestContext) => {
      outcomes.set(payload, { status: 200, result: { ...(await work(context)) } });
    },
  );
  return {
    async send(...authorizations) {
      const values = authorizations.map((value) => Buffer.from(value));
      const payload = received(values.length === 0 ? {} : { authorization: values });
      try {
        await eachMessage(payload);
      } catch (error) {
        return { status: 503, code: isWaybillError(error) ? error.code : 'other' };
      }
      return outcomes.get(payload)!;
    },
    open: () =>
      Promise.resolve()
        .then(() => waybill.current())
        .then(
          () => 'a context',
          (error: unknown) => (isWaybillError(error) ? error.code : 'other'),
        ),
    close: async () => undefined,
  };
};

describe('the adapter for Kafka', () => {
  itIsAnAdapter(start, { stepUp: 'nothing' });

  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());

  it("puts the consumer's token into a message, which the consumer then accepts", async () => {
    const context = await world.shop().authenticate({ authorization: await world.bearer('web', 'order') });
    const sent = await withToken(context, 'stock', { key: 'a1', value: '{}', headers: { trace: 't1' } });
    expect(sent).to.deep.include({ key: 'a1', value: '{}' });
    expect(sent.headers['trace']).to.equal('t1');
    expect(sent.headers['authorization']).to.equal(context.headersFor('stock').authorization);
  });

  it('sends nothing without a token for the consumer, outside of a request, or over a header that is there', async () => {
    const waybill = world.shop();
    const context = await waybill.authenticate({ authorization: await world.bearer('web', 'order') });
    await failure('child_missing', () => withToken(context, 'bank', { value: '' }));
    await failure('usage', () => withToken(waybill, 'stock', { value: '' }));
    const headers = { Authorization: 'Bearer x' };
    await failure('usage', () => withToken(context, 'stock', { value: '', headers }));
  });

  it('threat 12: refuses a second token under a name in another case', async () => {
    const good = await world.bearer('web', 'order');
    const codes: string[] = [];
    const onRefused = (_payload: Payload, { error }: { error: { code: string } }): void =>
      void codes.push(error.code);
    const eachMessage = protect(world.shop(), { onRefused }, () => void codes.push('passed'));
    await eachMessage(received({ authorization: Buffer.from(good), Authorization: Buffer.from(good) }));
    await eachMessage(received({ authorization: Buffer.from(good) }));
    expect(codes).to.deep.equal(['token_repeated', 'passed']);
  });
});
