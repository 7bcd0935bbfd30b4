/** Importing twice changes nothing: what a draft was made of, the draft declares, under the names that it gave. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { isWaybillError } from '../../../src/errors.ts';
import {
  draftGraph,
  fileInput,
  findDrift,
  mergeObservation,
  observe,
  type Observation,
} from '../../../src/architect/traces/index.ts';
import { compileText, inOneLine } from '../../support/compile.ts';
import { removeScratch } from '../../support/files.ts';
import { observeSpans, type Kind, type TestSpan } from '../../support/spans.ts';

const HEADING = { name: 'twice', origin: 'a test' };

/** Drafts a graph and compares it with what it was made of. @returns whether there was anything to draft. */
function expectTheSame(observation: Observation, what: string): boolean {
  let text: string;
  try {
    text = draftGraph(observation, HEADING);
  } catch (error) {
    if (isWaybillError(error, 'source_unsuitable')) return false;
    throw error;
  }
  expect(draftGraph(observation, HEADING), what).to.equal(text);
  const { draft, findings } = compileText(text);
  const errors = findings.filter(({ severity }) => severity === 'error').map(inOneLine);
  expect(errors, `${what}\n${text}`).to.deep.equal([]);
  const { changes, byHand } = mergeObservation(draft!, observation, { newParties: 'graph.yaml' });
  expect(
    [changes.map(({ patch }) => patch), byHand.map((one) => one.what)],
    `${what}\n${text}`,
  ).to.deep.equal([[], []]);
  const drift = findDrift(draft!, observation).findings.filter(({ severity }) => severity === 'error');
  expect(drift, `${what}\n${text}`).to.deep.equal([]);
  return true;
}

const LONG = 'a-name-that-is-much-longer-than-what-the-graph-language-allows-'.repeat(3);
const services = fc.constantFrom(
  ...[
    'shop',
    'stock',
    'mail',
    'shop-jobs',
    'a b',
    'a-b',
    'x-shop',
    'x',
    '${x}',
    'edge-client',
    'call',
    'ü',
    '*',
    'unknown_service:node',
  ],
  ...[`${LONG}1`, `${LONG}2`, 'api.billing', 'orders db', 'orders-db'],
);
const namespaces = fc.constantFrom(undefined, undefined, 'billing', 'catalog');
const operations = fc.constantFrom(
  ...[
    'GET /a',
    'GET /a/17',
    'POST /a',
    'p.S/M',
    'call',
    'send mail',
    '',
    'GET /*',
    '*',
    '${a}',
    '# a',
    'GET /healthz',
  ],
  ...[`GET /${'long/'.repeat(60)}`, '__proto__'],
);
const kinds = fc.constantFrom<Kind | undefined>(
  ...(['server', 'server', 'client', 'client', 'producer', 'consumer', 'internal', undefined] as const),
);
const tags = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { 'messaging.system': 'kafka', 'messaging.destination.name': 't' },
  { 'db.system': 'mysql', 'server.address': 'orders db' },
  { 'server.address': 'stock' },
  { 'peer.service': 'api' },
  { 'server.address': 'api.billing.svc.cluster.local:80' },
  { 'http.request.method': 'GET', 'http.route': '*' },
);

/** A few traces: each span hangs below an earlier one of its trace, or below none, or below one that is lost. */
const traces = fc
  .array(
    fc.record({
      service: services,
      namespace: namespaces,
      name: operations,
      kind: kinds,
      tags,
      below: fc.nat(30),
      trace: fc.constantFrom('a', 'b', 'c'),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((list) => {
    const spans: TestSpan[] = [];
    for (const [index, { below, kind, namespace, ...rest }] of list.entries()) {
      const earlier = spans.filter(({ trace }) => trace === rest.trace);
      const parent = below === 30 ? 'dead' : earlier[below % (earlier.length + 1)]?.id;
      spans.push({
        ...rest,
        id: (index + 1).toString(16),
        ...(parent === undefined ? {} : { parent }),
        ...(kind === undefined ? {} : { kind }),
        ...(namespace === undefined ? {} : { namespace }),
      });
    }
    return spans;
  });

describe('importing twice', () => {
  after(removeScratch);

  it('changes nothing, for random traces in each format', async function () {
    this.timeout(120_000);
    let drafted = 0;
    await fc.assert(
      fc.asyncProperty(traces, fc.constantFrom('otlp', 'jaeger', 'zipkin'), async (spans, format) => {
        if (expectTheSame(await observeSpans(spans, format), format)) drafted++;
      }),
      { numRuns: 200 },
    );
    expect(drafted).to.be.above(100);
  });

  const samples = process.env['WAYBILL_SAMPLES'] ?? '';
  const hasSamples = samples !== '' && existsSync(samples);
  for (const format of ['jaeger', 'zipkin', 'otlp', 'kiali', 'istio'] as const) {
    it(`changes nothing, for what tools write as ${format}${hasSamples ? '' : ' (WAYBILL_SAMPLES names no folder)'}`, async function () {
      if (!hasSamples) this.skip();
      let drafted = 0;
      for (const name of readdirSync(path.join(samples, format))) {
        let observation: Observation;
        try {
          observation = await observe([fileInput(path.join(samples, format, name))], format);
        } catch (error) {
          if (isWaybillError(error, 'source_unsuitable')) continue;
          throw error;
        }
        if (expectTheSame(observation, name)) drafted++;
      }
      expect(drafted).to.be.above(0);
    });
  }
});
