/** `operations` of scopes, read once and the same for all targets. */
export { parseOperation, type ReadOperation } from './parse.ts';
export { isWithin, overlap, takesAway } from './overlap.ts';
export { OverlapIndex } from './overlap-index.ts';
export { AMBIGUOUS_PATHS, exactExpression, looseExpression } from './expression.ts';
export {
  answeredMethods,
  type HttpOperation,
  type Parameter,
  type PathPattern,
  type Segment,
} from './pattern.ts';
