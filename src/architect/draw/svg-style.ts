/** The style sheet of SVG pictures: fonts, lines, and colours for light and dark backgrounds. */
import { palette, type ColourName } from './palette.ts';

const FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

const LINES = [
  `text{font-family:${FONTS}}`,
  '.title,.name{font-weight:600}',
  '.outside-node .name{font-weight:400}',
  '.middle{text-anchor:middle}',
  '.arrow{fill:none;stroke-width:1.3}',
  '.exchange{stroke-dasharray:7 4}',
  '.forward{stroke-width:3}',
  '.none{stroke-dasharray:1.5 4}',
  '.outside{fill:none;stroke-dasharray:4 3}',
  // Keeps labels readable where another arrow crosses them.
  '.label text{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}',
];

/** Selector, property, colour. Plain rules, because not every SVG viewer supports variables. */
const COLOURS: readonly (readonly [string, 'fill' | 'stroke', ColourName])[] = [
  ['.ground', 'fill', 'ground'],
  ['text', 'fill', 'ink'],
  ['.muted,.outside-node .name', 'fill', 'muted'],
  ['.scopes', 'fill', 'scopes'],
  ['.claims', 'fill', 'claims'],
  ['.fits', 'fill', 'fits'],
  ['.tight', 'fill', 'tight'],
  ['.over', 'fill', 'over'],
  ['.zone', 'fill', 'zone'],
  ['.zone', 'stroke', 'zoneEdge'],
  ['.service', 'fill', 'box'],
  ['.service,.outside', 'stroke', 'boxEdge'],
  ['.row', 'stroke', 'zoneEdge'],
  ['.client', 'fill', 'client'],
  ['.client', 'stroke', 'clientEdge'],
  ['.arrow', 'stroke', 'arrow'],
  ['.tip', 'fill', 'arrow'],
  ['.label text', 'stroke', 'zone'],
];

function colours(ground: 'light' | 'dark'): string {
  return COLOURS.map(
    ([selector, property, name]) => `${selector}{${property}:${palette[name][ground]}}`,
  ).join('');
}

export const STYLE = `${LINES.join('')}${colours('light')}@media(prefers-color-scheme:dark){${colours('dark')}}`;
