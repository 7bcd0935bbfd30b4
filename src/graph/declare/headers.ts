/** Limits of request headers: of a hop, and of a service from its layers. */
import type { Node } from '../load/yaml.ts';
import type { HeadersDeclaration, HopDeclaration } from './declaration.ts';
import { Fields, isNone, place, textOf } from './fields.ts';
import { DEFAULT_RESERVE, reserveOfBytes, type Reserve } from './reserve.ts';

/** Most have none: they share one empty list. */
const NO_HOPS: readonly never[] = [];

export function readVia(fields: Fields): readonly HopDeclaration[] {
  return fields.has('via') ? fields.list('via').map(readHop) : NO_HOPS;
}

function readHop(node: Node): HopDeclaration {
  const profile = textOf(node)?.value;
  if (profile !== undefined) return { ...place(node), profile, maxLine: undefined, maxTotal: undefined };
  const fields = new Fields(node);
  return {
    ...place(fields.at('profile') ?? node),
    profile: fields.text('profile')?.value,
    maxLine: fields.bytes('max_line'),
    maxTotal: fields.bytes('max_total'),
  };
}

/** What the layers so far say; `reserve` is absent until one says it. */
type Headers = HopDeclaration & { readonly reserve: Reserve | undefined };

/** @param layers mappings with `headers`, the service's own first. */
export function readHeaders(layers: readonly Fields[]): HeadersDeclaration | undefined {
  const headers = layers.reduceRight<Headers | undefined>(narrow, undefined);
  return headers && { ...headers, reserve: headers.reserve ?? DEFAULT_RESERVE };
}

/**
 * A narrower layer wins key by key, and `none` clears. One exception: with a profile of its own, limits of wider layers,
 * which belong to another profile, say nothing about it.
 */
function narrow(wider: Headers | undefined, fields: Fields): Headers | undefined {
  const at = fields.at('headers');
  if (!at) return wider;
  if (isNone(at)) return undefined;
  const hop = readHop(at);
  const reserve = readReserve(new Fields(at)) ?? wider?.reserve;
  if (!wider || hop.profile !== undefined) return { ...hop, reserve };
  return {
    ...wider,
    maxLine: hop.maxLine ?? wider.maxLine,
    maxTotal: hop.maxTotal ?? wider.maxTotal,
    reserve,
  };
}

/** Both numbers come from one layer: a wider one does not fill in what a narrower one lacks. */
function readReserve(fields: Fields): Reserve | undefined {
  const counted = fields.below('reserve');
  const bytes = counted.node ? counted.bytes('bytes') : fields.bytes('reserve');
  if (bytes === undefined) return undefined;
  const headers = counted.number('headers');
  return headers === undefined ? reserveOfBytes(bytes) : { headers, bytes };
}
