/** The style of the graph, in the colours of the page. */
import type { StylesheetJson } from 'cytoscape';

export function graphStyle(page: CSSStyleDeclaration): StylesheetJson {
  const colour = (name: string): string => page.getPropertyValue(`--${name}`).trim();
  return [
    {
      selector: 'node',
      style: {
        shape: 'round-rectangle',
        label: 'data(label)',
        'font-family': page.fontFamily,
        'font-size': 13,
        color: colour('text'),
        'text-wrap': 'wrap',
        'text-valign': 'center',
        'text-halign': 'center',
        'background-color': colour('card'),
        'border-width': 1.5,
        'border-color': colour('line'),
        'min-zoomed-font-size': 5,
      },
    },
    { selector: 'node[width]', style: { width: 'data(width)', height: 'data(height)' } },
    { selector: 'node.client', style: { shape: 'cut-rectangle', 'background-color': colour('client') } },
    { selector: 'node.outside', style: { 'border-style': 'dashed', color: colour('muted') } },
    {
      selector: 'node.group',
      style: { 'background-color': colour('zone'), 'border-width': 2, 'border-style': 'double' },
    },
    {
      selector: 'node.box',
      style: {
        'background-color': colour('zone'),
        'border-width': 1,
        'border-color': colour('line'),
        color: colour('muted'),
        'text-valign': 'top',
        'text-halign': 'center',
        'text-margin-y': -4,
        'font-size': 12,
        padding: '14px',
      },
    },
    {
      selector: 'node.lit',
      style: { 'border-color': colour('accent'), 'border-width': 2.5, 'font-weight': 'bold' },
    },
    { selector: 'node.dim', style: { color: colour('muted') } },
    { selector: 'node.warning', style: { 'background-color': colour('tight-soft') } },
    { selector: 'node.error', style: { 'background-color': colour('over-soft') } },
    ...lineStyle(colour),
    {
      selector: 'node.chosen',
      style: { 'border-color': colour('focus'), 'border-width': 4, 'background-color': colour('chosen') },
    },
  ];
}

function lineStyle(colour: (name: string) => string): StylesheetJson {
  return [
    {
      selector: 'edge',
      style: {
        width: 'data(width)',
        'line-color': colour('line'),
        'target-arrow-color': colour('line'),
        'target-arrow-shape': 'triangle',
        'arrow-scale': 0.8,
        'curve-style': 'round-segments',
        'edge-distances': 'node-position',
        'segment-weights': 'data(weights)',
        'segment-distances': 'data(distances)',
        'segment-radii': '24',
      } as never,
    },
    { selector: 'edge.exchange', style: { 'line-style': 'dashed', 'line-dash-pattern': [7, 4] } },
    { selector: 'edge.forward', style: { 'line-style': 'dotted' } },
    { selector: 'edge.none', style: { 'line-style': 'dotted', opacity: 0.7 } },
    { selector: 'edge.dim', style: { opacity: 0.55 } },
    {
      selector: 'edge.lit',
      style: {
        'line-color': colour('accent'),
        'target-arrow-color': colour('accent'),
        'z-index': 10,
      },
    },
  ];
}
