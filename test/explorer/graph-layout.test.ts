import { expect } from 'chai';

import { layoutGraph, nodeHeight } from '../../src/explorer/page/graph/layout.ts';

/** As page/graph/style.ts draws a box: around its nodes, with its title above. Pixels. */
const PADDING = 14;
const TITLE = 18;

describe('The graph of the page', () => {
  it('has room between the boxes of two zones, and for the title of the lower one', () => {
    const zones = { shop: 'mesh', stock: 'mesh', audit: 'mesh', ship: 'partner', bank: 'partner' };
    const nodes = Object.entries(zones).map(([id, box]) => ({ id, label: id, box }));
    const calls = ['shop stock', 'shop ship', 'stock audit', 'ship bank'];
    const { places } = layoutGraph({
      nodes: nodes.map((node) => ({
        ...node,
        kind: 'service',
        lit: true,
        note: undefined,
        finding: undefined,
      })),
      boxes: ['mesh', 'partner'].map((id) => ({ id, label: `zone ${id}` })),
      lines: calls.map((call) => {
        const [from = '', to = ''] = call.split(' ');
        return { from, to, mode: 'embed', lit: true, count: 1 };
      }),
      folded: 0,
      left: 0,
    });
    const [upper, lower] = ['mesh', 'partner']
      .map((zone) => {
        const middles = nodes.filter(({ box }) => box === zone).map(({ id }) => places.get(id)!.y);
        const half = nodeHeight({ note: undefined }) / 2 + PADDING;
        return { top: Math.min(...middles) - half, bottom: Math.max(...middles) + half };
      })
      .sort((one, other) => one.top - other.top);
    expect(lower!.top - upper!.bottom).to.be.above(TITLE);
  });
});
