import { expect } from 'chai';

import { removeScratch } from '../../support/files.ts';
import {
  callsOf,
  warningsOf,
  observeSpans,
  observeText,
  otlpText,
  requestsOf,
  textOf,
  type TestSpan,
} from '../../support/spans.ts';

const get = { 'http.request.method': 'GET' };

/** shop takes a request and calls stock. */
const CALL: readonly TestSpan[] = [
  { id: '1', service: 'shop', name: 'GET /cart', kind: 'server', tags: { ...get, 'http.route': '/cart' } },
  { id: '2', parent: '1', service: 'shop', name: 'GET', kind: 'client', tags: get },
  {
    id: '3',
    parent: '2',
    service: 'stock',
    name: 'GET /items',
    kind: 'server',
    tags: { ...get, 'http.route': '/items' },
  },
];
const CALLED = ['shop GET /cart -> stock GET /items request 1/1'];

describe('pairing spans into calls', () => {
  after(removeScratch);

  for (const format of ['otlp', 'zipkin', 'jaeger'] as const) {
    it(`a client and the server below it are one call (${format})`, async () => {
      const seen = await observeSpans(CALL, format);
      expect(callsOf(seen)).to.deep.equal(CALLED);
      expect(requestsOf(seen)).to.deep.equal(['shop GET /cart 1']);
      expect(seen.warnings).to.deep.equal([]);
    });

    it(`steps inside a service do not break the pair (${format})`, async () => {
      const [first, second, third] = CALL as [TestSpan, TestSpan, TestSpan];
      const steps: TestSpan[] = [
        first,
        { id: '8', parent: '1', service: 'shop', name: 'render', kind: 'internal' },
        { ...second, parent: '8' },
        { id: '9', parent: '2', service: 'shop', name: 'send', kind: 'internal' },
        { ...third, parent: '9' },
      ];
      expect(callsOf(await observeSpans(steps, format))).to.deep.equal(CALLED);
    });

    it(`a producer and its consumer are a message, and what follows is the consumer's own work (${format})`, async () => {
      const spans: TestSpan[] = [
        CALL[0]!,
        {
          id: '4',
          parent: '1',
          service: 'shop',
          name: 'send',
          kind: 'producer',
          tags: { 'messaging.system': 'kafka' },
        },
        {
          id: '5',
          parent: '4',
          service: 'mail',
          name: 'poll',
          kind: 'consumer',
          tags: { 'messaging.system': 'kafka' },
        },
        { id: '6', parent: '5', service: 'mail', name: 'GET', kind: 'client', tags: get },
        { ...CALL[2]!, parent: '6' },
      ];
      const seen = await observeSpans(spans, format);
      expect(callsOf(seen)).to.deep.equal([
        'mail (own) -> stock GET /items request 1/1',
        'shop GET /cart -> kafka ? broker 1/1',
        'shop GET /cart -> mail ? message 1/1',
      ]);
    });

    it(`a server under another service's server is a request from outside (${format})`, async () => {
      const seen = await observeSpans([CALL[0]!, { ...CALL[2]!, parent: '1' }], format);
      expect(callsOf(seen)).to.deep.equal([]);
      expect(requestsOf(seen)).to.deep.equal(['shop GET /cart 1', 'stock GET /items 1']);
      expect(warningsOf(seen)).to.deep.equal({ 'server-under-server': 1 });
    });

    it(`a client that follows a redirect is no call (${format})`, async () => {
      const redirect: TestSpan = {
        id: '7',
        parent: '2',
        service: 'shop',
        name: 'HTTP redirect',
        kind: 'client',
        remote: 'elsewhere',
        tags: { 'server.address': 'elsewhere' },
      };
      const seen = await observeSpans([...CALL, redirect], format);
      expect(callsOf(seen)).to.deep.equal(CALLED);
      expect(warningsOf(seen)).to.deep.equal({ redirected: 1 });
    });

    it(`a client around a client is not a second call (${format})`, async () => {
      const outer: TestSpan = { id: '7', parent: '1', service: 'shop', name: 'breaker', kind: 'client' };
      const seen = await observeSpans([CALL[0]!, outer, { ...CALL[1]!, parent: '7' }, CALL[2]!], format);
      expect([callsOf(seen), seen.warnings]).to.deep.equal([CALLED, []]);
    });

    it(`stores and hosts without spans are not services (${format})`, async () => {
      const spans: TestSpan[] = [
        CALL[0]!,
        {
          id: '4',
          parent: '1',
          service: 'shop',
          name: 'SELECT',
          kind: 'client',
          tags: { 'db.system': 'mysql', 'server.address': 'orders-db' },
        },
        {
          id: '5',
          parent: '1',
          service: 'shop',
          name: 'POST',
          kind: 'client',
          tags: { 'server.address': 'api.bank.example' },
        },
        {
          id: '6',
          parent: '1',
          service: 'shop',
          name: 'POST',
          kind: 'client',
          tags: { 'server.address': '10.0.0.7' },
        },
      ];
      const seen = await observeSpans(spans, format);
      expect(callsOf(seen)).to.deep.equal([
        'shop GET /cart -> api.bank.example ? foreign 1/1',
        'shop GET /cart -> orders-db ? store 1/1',
      ]);
      expect([...seen.services.keys()]).to.deep.equal(['shop']);
      expect(warningsOf(seen)).to.deep.equal({ 'nameless-callee': 1 });
    });

    it(`counts duplicate spans once and cuts cycles of parents (${format})`, async () => {
      const cycle: TestSpan[] = [
        { id: '4', parent: '5', service: 'a', name: 'GET /a', kind: 'server' },
        { id: '5', parent: '4', service: 'a', name: 'x', kind: 'internal' },
        { id: '6', parent: '6', service: 'b', name: 'GET /b', kind: 'server' },
      ];
      const seen = await observeSpans([...CALL, ...CALL, ...cycle], format);
      expect(callsOf(seen)).to.deep.equal(CALLED);
      expect(warningsOf(seen)).to.include({ 'repeated-span': 3, 'cyclic-parents': 1 });
    });

    it(`a missing parent leaves the caller unknown (${format})`, async () => {
      const seen = await observeSpans(CALL.slice(2), format);
      expect([callsOf(seen), requestsOf(seen), warningsOf(seen)]).to.deep.equal([
        [],
        [],
        { 'missing-parent': 1 },
      ]);
      expect(seen.services.get('stock')?.operations.get('GET /items')).to.include({ runs: 1, orphaned: 1 });
    });
  }

  it('Zipkin: both halves of a call may have one id', async () => {
    const seen = await observeSpans(
      [CALL[0]!, CALL[1]!, { ...CALL[2]!, id: '2', parent: '1', shared: true }],
      'zipkin',
    );
    expect([callsOf(seen), seen.warnings]).to.deep.equal([CALLED, []]);
  });

  it('Zipkin: a shared server without its client half is a call all the same', async () => {
    const seen = await observeSpans(
      [CALL[0]!, { ...CALL[2]!, id: '2', parent: '1', shared: true }],
      'zipkin',
    );
    expect([callsOf(seen), warningsOf(seen)]).to.deep.equal([CALLED, { 'missing-client-half': 1 }]);
  });

  it('Jaeger: FOLLOWS_FROM is a message', async () => {
    const seen = await observeSpans([CALL[0]!, CALL[1]!, { ...CALL[2]!, follows: true }], 'jaeger');
    expect(callsOf(seen)).to.deep.equal(['shop GET /cart -> stock ? message 1/1']);
  });

  it('pairs spans without a kind, with a warning', async () => {
    const bare = CALL.filter(({ id }) => id !== '2').map(({ id, service, name, tags = {} }) => ({
      id,
      service,
      name,
      tags,
    }));
    const seen = await observeSpans([bare[0]!, { ...bare[1]!, parent: '1' }], 'jaeger');
    expect([callsOf(seen), warningsOf(seen)]).to.deep.equal([CALLED, { 'no-kind': 1 }]);
  });

  it('a run that calls twice counts once', async () => {
    const more = [
      { ...CALL[1]!, id: '4' },
      { ...CALL[2]!, id: '5', parent: '4' },
      { ...CALL[0]!, id: '6' },
    ];
    expect(callsOf(await observeSpans([...CALL, ...more]))).to.deep.equal([
      'shop GET /cart -> stock GET /items request 2/1',
    ]);
  });

  it('the spans of a trace may be anywhere, in memory or on disk', async () => {
    const traces = Array.from({ length: 300 }, (_, index) =>
      CALL.map((span) => ({ ...span, trace: `t${index}` })),
    );
    // All first spans, then all second ones, then all third.
    const scattered = [0, 1, 2].flatMap((at) => traces.map((trace) => trace[at]!));
    const inMemory = await observeSpans(scattered);
    const spilled = await observeText(otlpText(scattered), 'otlp', { kept: 2_000 });
    expect(callsOf(inMemory)).to.deep.equal(['shop GET /cart -> stock GET /items request 300/300']);
    expect([callsOf(spilled), requestsOf(spilled), spilled.warnings]).to.deep.equal([
      callsOf(inMemory),
      requestsOf(inMemory),
      [],
    ]);
  });

  it('ids are compared without case and leading zeros', async () => {
    const spans: TestSpan[] = [
      { ...CALL[0]!, id: '00ab', trace: '00FF' },
      { ...CALL[1]!, id: '0c', parent: 'AB', trace: 'ff' },
      { ...CALL[2]!, parent: 'C', trace: '0ff' },
    ];
    expect(callsOf(await observeText(textOf.otlp(spans), 'otlp'))).to.deep.equal(CALLED);
  });
});
