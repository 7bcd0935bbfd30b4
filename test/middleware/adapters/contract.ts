/** What every adapter does, on a real server with a real issuer. */
import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import {
  StepUpRequired,
  isWaybillError,
  type Decision,
  type Extractor,
} from '../../../src/middleware/index.ts';
import { freePort } from '../../support/http.ts';
import { startWorld, type Outcome, type Service, type Start, type Work, type World } from './world.ts';

export interface Differences {
  /** What the platform makes of two header lines with one name. Default: two lines. */
  readonly repeated?: 'lines' | 'joined' | 'first';
  /** What the caller sees of a login that a handler needs. Default: the challenge. */
  readonly stepUp?: 'challenge' | 'status' | 'nothing';
}

export function itIsAnAdapter(start: Start, differences: Differences = {}): void {
  const { repeated = 'lines', stepUp = 'challenge' } = differences;
  const services: Service[] = [];
  let world: World;

  before(async () => {
    world = await startWorld();
  });
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.close()));
  });
  after(() => world.close());

  async function serve(waybill: Extractor, work: Work = async () => ({})): Promise<Service> {
    const service = await start(waybill, 'order', work);
    services.push(service);
    return service;
  }

  function expectRefused({ status, code, challenge }: Outcome, wanted: number, name: string): void {
    expect({ status, code }).to.deep.equal({ status: wanted, code: name });
    expect(challenge?.startsWith('Bearer')).to.equal(wanted < 431 ? true : undefined);
  }

  for (const encoding of ['nested', 'packed'] as const) {
    it(`passes a ${encoding} token on with its claims, and calls stock with stock's own token`, async () => {
      const service = await serve(world.shop(), async (context) => {
        const answer = await context.fetch(world.stock, { method: 'POST' });
        return { sub: context.claims.sub, scopes: context.scopes, stock: await answer.json() };
      });
      const { status, result } = await service.send(await world.bearer('web', 'order', encoding));
      expect(status).to.equal(200);
      expect(result).to.deep.equal({ sub: 'web', scopes: ['order'], stock: { for: 'web', by: 'shop' } });
    });
  }

  it('refuses a request without a token', async () => {
    expectRefused(await (await serve(world.shop())).send(), 401, 'token_missing');
  });

  it('mode: report lets requests pass without a token and without the scope, unverified, and reports both', async () => {
    const decisions: Decision[] = [];
    const waybill = world.shop({ mode: 'report', onDecision: (decision) => decisions.push(decision) });
    const service = await serve(waybill, async ({ verified }) => ({ verified }));
    for (const sent of [[], [await world.bearer('web', 'browse')]]) {
      const { status, result } = await service.send(...sent);
      expect({ status, result }).to.deep.equal({ status: 200, result: { verified: false } });
    }
    expect(decisions.map(({ decision, error }) => [decision, error])).to.deep.equal([
      ['reported', 'token_missing'],
      ['reported', 'scope_insufficient'],
    ]);
  });

  it('refuses a token without the scope, and names the scope', async () => {
    const outcome = await (await serve(world.shop())).send(await world.bearer('web', 'browse'));
    expectRefused(outcome, 403, 'scope_insufficient');
    expect(outcome.challenge).to.match(/error="insufficient_scope".* scope="order"$/);
  });

  it('refuses a token for another service', async () => {
    const token = await world.issuer.tokenFor('bank');
    expectRefused(await (await serve(world.shop())).send(`Bearer ${token}`), 401, 'token_audience');
  });

  it('refuses an expired token', async () => {
    const token = await world.issuer.tokenFor('shop', { scope: 'order', expired: true });
    expectRefused(await (await serve(world.shop())).send(`Bearer ${token}`), 401, 'token_expired');
  });

  it('refuses a token over the budget', async () => {
    const service = await serve(world.shop({ budget: { inbound: 100 } }));
    expectRefused(await service.send(await world.bearer('web', 'order')), 431, 'token_too_large');
  });

  // Where the platform shows the first one alone, nobody in the process can see the second one.
  if (repeated !== 'first')
    it('threat 12: refuses two Authorization headers', async () => {
      const service = await serve(world.shop());
      const good = await world.bearer('web', 'order');
      expectRefused(await service.send(good, good), 400, 'token_repeated');
      const [status, code] = repeated === 'joined' ? [401, 'token_missing'] : [400, 'token_repeated'];
      expectRefused(await service.send('Basic YTpi', good), Number(status), String(code));
    });

  it('refuses everything while the issuer cannot be asked for its keys', async () => {
    const jwksUri = `http://127.0.0.1:${await freePort()}/jwks`;
    const service = await serve(world.shop({ jwksUri }));
    expectRefused(await service.send(await world.bearer('web', 'order')), 503, 'issuer_unavailable');
  });

  it('finds the request far from its handler', async () => {
    const waybill = world.shop();
    const farAway = async (): Promise<unknown> => {
      await turn();
      return (await waybill.fetch(world.stock, { method: 'POST' })).json();
    };
    const service = await serve(waybill, async (context) => ({
      isSame: waybill.current() === context,
      stock: await farAway(),
    }));
    const { result } = await service.send(await world.bearer('web', 'order'));
    expect(result).to.deep.equal({ isSame: true, stock: { for: 'web', by: 'shop' } });
  });

  it('threat 5: calls nobody whose token is missing or over its budget', async () => {
    const waybill = world.shop({ budget: { outbound: { stock: 100 } } });
    const failing = async (address: string): Promise<string> =>
      waybill.fetch(address).then(
        () => 'sent',
        (error: unknown) => (isWaybillError(error) ? error.code : 'other'),
      );
    const service = await serve(waybill, async () => ({
      missing: await failing('https://bank.shop.example/'),
      large: await failing(world.stock),
    }));
    const before = world.calls();
    const { result } = await service.send(await world.bearer('web', 'order'));
    expect(result).to.deep.equal({ missing: 'child_missing', large: 'child_too_large' });
    expect(world.calls()).to.equal(before);
  });

  if (stepUp !== 'nothing')
    it('RFC 9470 section 3: answers 401 with the login that a handler needs', async () => {
      const service = await serve(world.shop(), async () => {
        throw new StepUpRequired('log in again', { acrValues: ['urn:a', 'urn:b'], maxAge: 300 });
      });
      const { status, challenge } = await service.send(await world.bearer('web', 'order'));
      expect(status).to.equal(401);
      const parameters =
        /^Bearer error="insufficient_user_authentication",.* acr_values="urn:a urn:b", max_age="300"$/;
      if (stepUp === 'challenge') expect(challenge).to.match(parameters);
    });

  it('keeps requests apart that run at the same time, on connections that are used again', async () => {
    const waybill = world.shop();
    const [rounds, atOnce] = [3, 6];
    let waiting: (() => void)[] = [];
    /** Goes on when all requests of a round are here. */
    const meet = async (): Promise<void> =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (waiting.length < atOnce) return;
        for (const go of waiting) go();
        waiting = [];
      });
    const service = await serve(waybill, async (context) => {
      await meet();
      const stock = (await (await waybill.fetch(world.stock, { method: 'POST' })).json()) as { for: string };
      await turn();
      return { own: context.claims.sub, current: waybill.current().claims.sub, stock: stock.for };
    });
    const tokens = { web: await world.bearer('web', 'order'), app: await world.bearer('app', 'order') };
    let answered = 0;
    for (let round = 0; round < rounds; round += 1) {
      const clients = Array.from({ length: atOnce }, (_, index) =>
        (index + round) % 2 === 0 ? ('web' as const) : ('app' as const),
      );
      const outcomes = await Promise.all(clients.map((client) => service.send(tokens[client])));
      expect(outcomes.map(({ result }) => result)).to.deep.equal(
        clients.map((client) => ({ own: client, current: client, stock: client })),
      );
      answered += outcomes.length;
      expect(await service.open()).to.equal('usage');
    }
    expect(answered).to.equal(rounds * atOnce);
  });

  it('lets go of the request when it has been answered, and leaves its context usable', async () => {
    const waybill = world.shop();
    const over: Promise<[string, number]>[] = [];
    const service = await serve(waybill, async (context) => {
      const goOn = async (): Promise<[string, number]> => {
        for (;;) {
          await turn();
          try {
            waybill.current();
          } catch (error) {
            const { status } = await context.fetch(world.stock, { method: 'POST' });
            return [(error as Error).message, status];
          }
        }
      };
      over.push(goOn());
      return {};
    });
    expect((await service.send(await world.bearer('web', 'order'))).status).to.equal(200);
    const [[message, status] = []] = await Promise.all(over);
    expect(message).to.match(/^the request is over/);
    expect(status).to.equal(200);
  });
}
