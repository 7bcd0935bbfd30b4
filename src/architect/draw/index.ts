/** Pictures of a graph and of what it issues, for people: SVG, DOT, Mermaid. */
export { PICTURE_FORMATS, drawGraph, drawRequest, type DrawOptions, type PictureFormat } from './draw.ts';
