/** Files that tools really wrote; not part of the project, so the folder is named by WAYBILL_SAMPLES. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { isWaybillError } from '../../../src/errors.ts';
import {
  draftGraph,
  findDrift,
  fileInput,
  observe,
  type SourceFormat,
} from '../../../src/architect/traces/index.ts';
import { compileText, inOneLine, planAt } from '../../support/compile.ts';

const samples = process.env['WAYBILL_SAMPLES'] ?? '';
const hasSamples = samples !== '' && existsSync(samples);
const why = hasSamples ? '' : ' (skipped: WAYBILL_SAMPLES names no folder)';

/** What a file lacks, or whose it is, where no graph comes of it. */
const LACKING: Readonly<Record<string, RegExp>> = {
  'jaeger/kiali_tracingtest_response.json': /search result of Grafana Tempo, whose spans have no parents/,
  'jaeger/kiali_tracingtest_responseAmbient.json':
    /search result of Grafana Tempo, whose spans have no parents/,
  'zipkin/envoy.json': /Spans without a service name, left out: 1/,
  'zipkin/messaging-kafka.json': /inside servicea, serviceb, or in messages without a reply/,
  'otlp/jaeger_apiv3_GetTrace.json': /Spans without a service name, left out: 1/,
  'otlp/otlp2jaeger-multi-in-combined.json': /Everything happens inside example-trace/,
  'otlp/oltp2jaeger-multi-out.json': /--from jaeger/,
  'otlp/otlp2jaeger-out.json': /--from jaeger/,
};

async function imported(file: string, format: SourceFormat) {
  const observation = await observe([fileInput(path.join(samples, file))], format);
  return { observation, text: draftGraph(observation, { name: 'sample', origin: file }) };
}

describe(`import of what tools really write${why}`, () => {
  before(function () {
    if (!hasSamples) this.skip();
  });

  for (const format of ['jaeger', 'zipkin', 'otlp', 'kiali', 'istio'] as const) {
    it(`${format}: a graph that passes the check and shows no drift against its file, or an explanation`, async () => {
      const files = readdirSync(path.join(samples, format)).map((name) => `${format}/${name}`);
      expect(files).to.not.deep.equal([]);
      for (const file of files) {
        try {
          const { observation, text } = await imported(file, format);
          expect(LACKING, file).to.not.have.property(file);
          const { draft, findings } = compileText(text);
          expect(
            findings
              .filter(({ code }) => !['no-budget', 'spendable-by-others'].includes(code))
              .map(inOneLine),
            file,
          ).to.deep.equal([]);
          const undeclared = findDrift(draft!, observation).findings.filter(
            ({ severity }) => severity === 'error',
          );
          // single-policy-in.yaml names its principals with brackets, which no name of a graph has.
          if (!file.endsWith('single-policy-in.yaml')) expect(undeclared, file).to.deep.equal([]);
        } catch (error) {
          if (!isWaybillError(error, 'source_unsuitable')) throw error;
          expect(error.message, file).to.match(LACKING[file] ?? /nothing is known to be lacking/);
        }
      }
    });
  }

  it('what is Jaeger among the files of OTLP is read as Jaeger', async () => {
    const { text } = await imported('otlp/otlp2jaeger-out.json', 'jaeger');
    expect(text).to.contain('okey-dokey-0');
  });

  it("online-boutique's own policies allow five pairs that nobody calls", async () => {
    const file = path.join(samples, 'istio/online-boutique-authorizationpolicies.yaml');
    const plan = planAt([path.join(import.meta.dirname, '../../../graphs/online-boutique.yaml')]);
    const { findings } = findDrift(plan, await observe([fileInput(file)], 'istio'));
    const allowed = findings.filter(({ severity }) => severity === 'error');
    expect(
      allowed.map(({ caller, callee }) => `${caller?.name} -> ${callee.operations?.join(' ')}`).sort(),
    ).to.deep.equal([
      'checkoutservice -> /hipstershop.CartService/AddItem',
      'checkoutservice -> /hipstershop.CurrencyService/GetSupportedCurrencies',
      'checkoutservice -> /hipstershop.ProductCatalogService/ListProducts',
      'frontend -> /hipstershop.ShippingService/ShipOrder',
      'recommendationservice -> /hipstershop.ProductCatalogService/GetProduct',
    ]);
  });
});
