/** Draws a graph, or the token tree of a request, as SVG, DOT or Mermaid. */
export { PICTURE_FORMATS, drawGraph, drawRequest, type DrawOptions, type PictureFormat } from './draw.ts';
