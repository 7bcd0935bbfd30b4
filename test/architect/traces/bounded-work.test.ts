/** Hostile spans and policies: reading them is bounded in bytes and in steps, which a test can count. */
import { expect } from 'chai';

import { Names } from '../../../src/architect/traces/draft/names.ts';
import { Observer } from '../../../src/architect/traces/observation.ts';
import { ImportWarnings } from '../../../src/architect/traces/import-warnings.ts';
import { ServiceNames } from '../../../src/architect/traces/service-names.ts';
import { operationName } from '../../../src/architect/traces/spans/operation.ts';
import { observeTrace } from '../../../src/architect/traces/spans/pair-spans.ts';
import { SpanStore } from '../../../src/architect/traces/spans/span-store.ts';
import type { Span } from '../../../src/architect/traces/spans/span.ts';
import { callsTo, charactersSearched } from '../../support/counted-work.ts';
import { removeScratch } from '../../support/files.ts';
import { callsOf, observeText } from '../../support/spans.ts';

const MAX_NAME = 200;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a span’s name of any length', () => {
  after(removeScratch);

  const searched = (name: string): number => charactersSearched(() => operationName(name, new Map()));

  for (const [what, part, end] of [
    ['dots', '.', ' '],
    ['digits', '1', ''],
    ['slashes', '/', ' '],
    ['question marks', '?', '\n'],
    ['words of a method', 'a.', '/'],
    ['blanks behind a method', ' ', ''],
    ['ids in a path', '/12345', ''],
  ] as const) {
    it(`is bounded before it is parsed: ${what}`, () => {
      const name = (length: number) => `GET ${part.repeat(length)}${end}`;
      for (const text of [name, (length: number) => name(length).slice(4)]) {
        const counts = [4_000, 8_000].map((length) => searched(text(length)));
        expect(counts[1], what).to.equal(counts[0]);
        expect(counts[0], what).to.be.below(16 * 2_000);
      }
    });
  }

  it('is cut when stored, which the ellipsis shows', async () => {
    const name = `${'.'.repeat(8_000)} `;
    const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), name, kind: 2, attributes: [] };
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'a' } }] };
    const text = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
    const { services } = await observeText(text, 'otlp');
    const [operation = ''] = services.get('a')?.operations.keys() ?? [];
    expect(operation).to.have.length(MAX_NAME);
    expect(operation).to.match(/^\.+…$/);
  });

  it('folds ids of names longer than the stored ones', () => {
    const path = Array.from({ length: 40 }, (_, index) => `/item/${1_000_000 + index}`).join('');
    const { name } = operationName(`GET ${path.slice(0, 200)}`, new Map());
    expect(name).to.contain('/item/{id}/item/{id2}');
    expect(operationName(`GET ${path}`, new Map()).name).to.match(/^GET \/item\/\{id\}\/item\/\{id2\}.*…$/);
  });
});

describe('a trace whose spans all have one id', () => {
  /** Spans that count how often anything looks at their service or kind. */
  function countedSpans(length: number): { spans: Span[]; reads: () => number } {
    let reads = 0;
    const spans = Array.from({ length }, (_, index): Span => {
      const span = {
        trace: 't',
        id: index % 2 === 0 ? 'same' : `own ${index}`,
        parent: index % 2 === 0 ? '' : 'same',
        operation: 'GET /',
        shared: false,
        follows: false,
        folded: false,
        peer: undefined,
      };
      return Object.defineProperties(span, {
        service: { get: () => (reads++, `service ${index % 1_000}`) },
        kind: { get: () => (reads++, index % 3 === 0 ? 'client' : 'server') },
      }) as unknown as Span;
    });
    return { spans, reads: () => reads };
  }

  it('is paired in linear time', () => {
    const counts = [2_000, 4_000].map((length) => {
      const { spans, reads } = countedSpans(length);
      observeTrace(spans, new Observer());
      return reads();
    });
    expect(counts[0]).to.be.below(40 * 2_000);
    expect(counts[1]).to.be.below(40 * 4_000);
  });

  it('finds the parent of a child’s own service, else a server’s, else the first', async () => {
    const span = (id: string, service: string, kind: string, parentId?: string) => ({
      ...{ traceId: 'aa', id, name: `${service} ${kind}`, kind, localEndpoint: { serviceName: service } },
      ...(parentId === undefined ? {} : { parentId }),
    });
    const spans = [
      span('1', 'shop', 'CLIENT'),
      span('1', 'stock', 'SERVER'),
      span('2', 'stock', 'CLIENT', '1'),
      span('3', 'store', 'SERVER', '2'),
      span('4', 'mail', 'CLIENT', '1'),
    ];
    const seen = await observeText(JSON.stringify(spans), 'zipkin');
    expect(callsOf(seen)).to.include('stock stock SERVER -> store store SERVER request 1/1');
    expect(callsOf(seen).join('\n')).to.contain('-> stock stock SERVER request');
  });
});

describe('names that map to one name', () => {
  it('are numbered in linear time', () => {
    const names = new Names();
    const given: string[] = [];
    const lookups = callsTo(Set.prototype, 'has', () => {
      for (let index = 0; index < 2_000; index++) given.push(names.give(`text ${index}`, ['name']));
    });
    expect([given[0], given[1], given.at(-1)]).to.deep.equal(['name', 'name-2', 'name-2000']);
    expect(lookups).to.be.below(5 * 2_000);
  });

  it('skip numbers in use', () => {
    const names = new Names(['name-3']);
    expect([1, 2, 3].map((text) => names.give(`${text}`, ['name']))).to.deep.equal([
      'name',
      'name-2',
      'name-4',
    ]);
  });
});

describe('services and traces without end', () => {
  after(removeScratch);

  it('are refused beyond the limit, if it is namespaces that differ', () => {
    const names = new ServiceNames();
    for (let index = 0; index < 10_000; index++) names.key('shop', `n${index}`);
    expect(names.key('shop', 'n0')).to.equal('shop\tn0');
    expect(() => names.key('shop', 'another'))
      .to.throw()
      .with.property('code', 'source_too_large');
  });

  it('are joined in linear time, although all ids end alike', () => {
    const joined = (count: number): number => {
      const store = new SpanStore();
      for (let index = 0; index < count; index++)
        store.add({
          ...{
            trace: `${index + 1}${'a'.repeat(16)}`,
            id: '1',
            parent: '',
            service: 's',
            operation: 'GET /',
          },
          ...{ kind: 'server', shared: false, follows: false, folded: false, peer: undefined },
        });
      return callsTo(Map.prototype, 'get', () =>
        expect([...store.traces(new ImportWarnings())]).to.have.lengthOf(count),
      );
    };
    expect(joined(2_000)).to.be.below(8 * 2_000);
    expect(joined(4_000)).to.be.below(8 * 4_000);
  });
});

describe('YAML with many combinations', () => {
  after(removeScratch);

  const policy = (rules: string) =>
    `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: p, namespace: n }\nspec:\n  selector: { matchLabels: { app: shop } }\n  rules:\n${rules}`;
  const list = (prefix: string, length: number) =>
    `[${Array.from({ length }, (_, index) => `${prefix}${index}`).join(', ')}]`;

  it('is refused if a rule combines too many callers, methods and paths', async () => {
    const rule = (callers: number, methods: number, paths: number) =>
      policy(
        `  - from: [{ source: { principals: ${list('a', callers)} } }]\n    to: [{ operation: { methods: ${list('M', methods)}, paths: ${list('/', paths)} } }]\n`,
      );
    expect(await codeOf(observeText(rule(3, 2, 4), 'istio'))).to.equal('none');
    expect(await codeOf(observeText(rule(1, 2_000, 2_000), 'istio'))).to.equal('source_too_large');
    expect(await codeOf(observeText(rule(2_000, 1, 2_000), 'istio'))).to.equal('source_too_large');
  });

  it('is refused if aliases repeat a long list', async () => {
    const text = policy(
      `  - from:\n    - source: { principals: &all ${list('a', 9_000)} }\n${'    - source: { principals: *all }\n'.repeat(90)}    to: [{ operation: { paths: [/x] } }]\n`,
    );
    expect(await codeOf(observeText(text, 'istio'))).to.equal('source_too_large');
  });

  it('is refused as OTLP with aliases: ten lines could expand to ten thousand million values', async () => {
    const lines = ['a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
    for (let at = 1; at <= 9; at++)
      lines.push(`a-${at}: &a${at} [${Array.from({ length: 10 }, () => `*a${at - 1}`).join(', ')}]`);
    const text = `${lines.join('\n')}\nresourceSpans: []\n`;
    expect(await codeOf(observeText(text, 'otlp'))).to.equal('source_too_large');
  });
});
