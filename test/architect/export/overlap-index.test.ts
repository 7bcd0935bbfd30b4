/** The index finds what comparing with each operation would find, and compares with few. */
import { expect } from 'chai';

import {
  OverlapIndex,
  overlap,
  parseOperation,
  type HttpOperation,
} from '../../../src/architect/export/operations/index.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { pick } from './random/random-graph.ts';

const SEGMENTS = ['a', 'b', 'new', '{x}', '{x:int}', '7', 'a{x}', '{x}.json', 'v{x:int}'];

function read(text: string): HttpOperation[] {
  const found = parseOperation(text);
  if (found.refused !== undefined) throw new Error(`${text}: ${found.why}`);
  return [...found.operations];
}

describe('the index of operations', () => {
  it('finds what overlaps, in the order in which it was added', () => {
    const random = seededRandom(20_261_130);
    const operations = Array.from({ length: 600 }, () => {
      const segments = Array.from({ length: 1 + random(3) }, () => pick(random, SEGMENTS));
      if (random(5) === 0) segments.push(pick(random, ['*', 'a*']));
      return read(`${pick(random, ['GET', 'POST', 'ANY'])} /${segments.join('/')}`);
    }).flat();
    const index = new OverlapIndex<HttpOperation>();
    for (const operation of operations) index.add(operation, operation);
    let found = 0;
    for (const operation of operations) {
      const overlapping = index.overlapping(operation);
      expect(overlapping, operation.text).to.deep.equal(operations.filter((one) => overlap(operation, one)));
      found += overlapping.length;
    }
    expect(found)
      .to.be.above(10 * operations.length)
      .and.below(operations.length ** 2 / 2);
  });

  it('of 4,000 operations looks at those that share method and literals', () => {
    let looks = 0;
    const watched = (operation: HttpOperation): HttpOperation => ({
      ...operation,
      get path() {
        looks += 1;
        return operation.path;
      },
    });
    const index = new OverlapIndex<string>();
    const texts = Array.from({ length: 2000 }, (_, n) => [`GET /v1/{x}/things${n}`, `POST /things${n}/{id}`]);
    for (const text of texts.flat()) for (const one of read(text)) index.add(watched(one), text);
    looks = 0;
    const found = [...read('GET /v1/shop/things77'), ...read('POST /things5/*')].map((one) =>
      index.overlapping(one),
    );
    expect(found).to.deep.equal([['GET /v1/{x}/things77'], ['POST /things5/{id}']]);
    expect(looks).to.be.within(2, 4);
  });
});
