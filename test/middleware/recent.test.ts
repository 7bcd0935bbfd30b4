import { expect } from 'chai';
import fc from 'fast-check';
import { LRUCache } from 'lru-cache';

import { Recent } from '../../src/middleware/recent.ts';

const act = fc.constantFrom('set', 'set', 'get', 'get', 'peek', 'delete');

describe('what was used last', () => {
  it('is what lru-cache keeps, whatever is done', () => {
    const acts = fc.array(fc.tuple(act, fc.nat(7)), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), acts, (max, list) => {
        const [own, theirs] = [new Recent<number>(max), new LRUCache<string, number>({ max })];
        list.forEach(([name, number], at) => {
          const key = String(number);
          if (name === 'set') {
            own.set(key, at);
            theirs.set(key, at);
          } else if (name === 'delete') {
            own.delete(key);
            theirs.delete(key);
          } else if (name === 'get') expect(own.get(key)).to.equal(theirs.get(key));
          else expect(own.peek(key)).to.equal(theirs.peek(key));
        });
        for (let number = 0; number <= 7; number += 1)
          expect(own.peek(String(number))).to.equal(theirs.peek(String(number)));
      }),
    );
  });
});
