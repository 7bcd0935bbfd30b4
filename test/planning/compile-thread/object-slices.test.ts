import { isDeepStrictEqual } from 'node:util';

import { expect } from 'chai';
import fc from 'fast-check';

import { ObjectAssembly, objectSlices } from '../../../src/planning/compile-thread/object-slices.ts';
import { compileGraph } from '../../../src/planning/compile.ts';
import { SourceText } from '../../../src/graph/index.ts';

/** As it comes out of another thread: every slice is cloned on its way. */
function sent(root: unknown, most?: number): { readonly root: unknown; readonly slices: number } {
  const assembly = new ObjectAssembly();
  let slices = 0;
  for (const slice of objectSlices(root, most)) {
    slices += 1;
    expect(assembly.add(structuredClone(slice))).to.equal(slice.isLast);
  }
  return { root: assembly.root, slices };
}

const arrived = (root: unknown, most?: number): unknown => sent(root, most).root;

describe('Objects in slices', () => {
  it('come out as they were, whatever they hold and however small the slices', () => {
    const key = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('__proto__', '1', 'constructor'));
    const anything = fc.anything({
      key,
      withMap: true,
      withSet: true,
      withBigInt: true,
      maxDepth: 4,
    });
    fc.assert(
      fc.property(anything, fc.integer({ min: 1, max: 20 }), (value, half) => {
        expect(isDeepStrictEqual(arrived(value, 2 * half), value)).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it('tell 0 from -0', () => {
    expect(isDeepStrictEqual(arrived([0, -0, 0, -0]), [0, -0, 0, -0])).to.equal(true);
  });

  it('keep shared objects, cycles and frozen objects', () => {
    const shared = Object.freeze({ name: 'shared' });
    const service: Record<string, unknown> = { calls: [] as unknown[], shared };
    const root = { services: new Map<string, unknown>([['a', service]]), set: new Set([shared]), service };
    (service['calls'] as unknown[]).push(root, service);
    const out = arrived(root, 2) as typeof root;
    expect(out.services.get('a')).to.equal(out.service);
    expect((out.service['calls'] as unknown[])[0]).to.equal(out);
    expect([...out.set][0]).to.equal(out.service['shared']);
    expect(Object.isFrozen(out.service['shared'])).to.equal(true);
    expect(Object.isFrozen(out.service)).to.equal(false);
  });

  it('may refer to each other in chains of any length, which a structured clone cannot follow', () => {
    let chain: object = { end: true };
    for (let n = 0; n < 200_000; n += 1) chain = { next: chain };
    expect(() => structuredClone(chain)).to.throw(RangeError);
    let [out, length] = [arrived(chain) as { next?: object }, 0];
    for (; out.next; length += 1) out = out.next;
    expect(length).to.equal(200_000);
  });

  it('come in slices of a bounded size, even from one long map', () => {
    const map = new Map(Array.from({ length: 50_000 }, (_, n) => [`name-${n}`, { n }]));
    for (const { kinds, members } of objectSlices(map)) {
      expect(kinds.length + members.length).to.be.below(40_000);
    }
    const { root, slices } = sent(map);
    expect(root).to.deep.equal(map);
    expect(slices).to.be.above(10);
  });

  it('are refused if they are of another class, which would be lost', () => {
    for (const value of [new Date(0), /x/, new (class Plan {})(), () => 1, Object.create(null)]) {
      expect(() => arrived({ value })).to.throw();
    }
  });

  it('a plan comes out whole, with the places of its texts', () => {
    const { plan, findings } = compileGraph(['graphs/online-boutique.yaml']);
    const out = arrived({ plan, findings }, 100) as { plan: NonNullable<typeof plan> };
    expect(isDeepStrictEqual(out, { plan, findings })).to.equal(true);
    const [service] = plan?.services.values() ?? [];
    const [same] = out.plan.services.values();
    expect(same?.source).to.be.instanceOf(SourceText);
    expect(same?.source.locate(same.offset)).to.deep.equal(service?.source.locate(service.offset));
    expect(Object.isFrozen(same)).to.equal(true);
    const [call] = [...out.plan.clients.values()].flatMap(({ calls }) => calls);
    expect(call?.service).to.equal(out.plan.services.get(call?.callee ?? ''));
  });
});
