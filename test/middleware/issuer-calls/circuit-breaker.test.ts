import { expect } from 'chai';

import { WaybillError } from '../../../src/errors.ts';
import { CircuitBreaker } from '../../../src/middleware/issuer-calls/circuit-breaker.ts';
import { failure } from '../../support/failure.ts';

describe('a circuit', () => {
  let now: number;
  let asked: number;
  let circuit: CircuitBreaker;

  beforeEach(() => {
    now = 0;
    asked = 0;
    circuit = new CircuitBreaker(() => now);
  });

  const away = async (): Promise<never> => {
    asked += 1;
    throw new WaybillError('issuer_unavailable', 'away', { detail: `failure ${asked}` });
  };
  const there = async (): Promise<string> => {
    asked += 1;
    return 'answer';
  };
  const fails = (): Promise<WaybillError> => failure('issuer_unavailable', () => circuit.run(away));
  async function open(): Promise<void> {
    for (let times = 0; times < 5; times += 1) await fails();
  }

  it('opens after five failures in a row: then it sends nothing, and the error has the reason', async () => {
    await open();
    for (let times = 0; times < 100; times += 1) {
      const { detail } = await failure('issuer_unavailable', () => circuit.run(there));
      expect(detail).to.match(/5 requests in a row failed.*next attempt is in 2000 ms.*failure 5$/);
    }
    expect(asked).to.equal(5);
  });

  it('stays closed if an answer comes in between, and if failures are far apart', async () => {
    for (let times = 0; times < 20; times += 1) {
      if (times % 5 === 4) await circuit.run(there);
      else await fails();
    }
    expect(asked).to.equal(20);
    for (let times = 0; times < 20; times += 1) {
      now += 20_000;
      await fails();
    }
    expect(asked).to.equal(40);
  });

  it('ignores errors that say nothing about the issuer', async () => {
    for (let times = 0; times < 20; times += 1) {
      await failure('usage', () =>
        circuit.run(async () => {
          asked += 1;
          throw new WaybillError('usage', 'a slip of the service');
        }),
      );
    }
    expect(asked).to.equal(20);
  });

  it('lets one request try after the pause: an answer closes it', async () => {
    await open();
    now += 2_000;
    let answer = (): void => undefined;
    const probe = circuit.run(() => new Promise<void>((resolve) => (answer = resolve)));
    for (let times = 0; times < 10; times += 1) {
      const { detail } = await failure('issuer_unavailable', () => circuit.run(there));
      expect(detail).to.contain('one request is testing whether it answers again');
    }
    expect(asked).to.equal(5);
    answer();
    await probe;
    expect(await circuit.run(there)).to.equal('answer');
  });

  it('stays open for another pause if that one fails too', async () => {
    await open();
    now += 2_000;
    for (let round = 1; round <= 5; round += 1) {
      await fails();
      now += 1_999;
      await failure('issuer_unavailable', () => circuit.run(there));
      expect(asked).to.equal(5 + round);
      now += 1;
    }
    expect(await circuit.run(there)).to.equal('answer');
  });

  it('lets the next one try if the outcome said nothing about the issuer', async () => {
    await open();
    now += 2_000;
    await failure('usage', () =>
      circuit.run(async () => {
        throw new WaybillError('usage', 'a slip');
      }),
    );
    expect(await circuit.run(there)).to.equal('answer');
  });

  it('is not held open by requests that began before it opened', async () => {
    const late: (() => void)[] = [];
    const slow = Array.from({ length: 20 }, () =>
      failure('issuer_unavailable', () =>
        circuit.run(() => new Promise<void>((resolve) => late.push(resolve)).then(away)),
      ),
    );
    await open();
    now += 1_999;
    for (const settle of late) settle();
    await Promise.all(slow);
    now += 1;
    expect(await circuit.run(there)).to.equal('answer');
  });
});
