/** What systems did, or were let do, as traces and meshes tell it: read into a graph, and held against one. */
export type { Doubt, DoubtCode } from './doubts.ts';
export { draftGraph } from './draft-graph.ts';
export { driftOf, type Drift, type DriftOptions } from './drift/drift.ts';
export type { DriftCode, DriftFinding, DriftSide } from './drift/finding.ts';
export { mergeInto, type FileChange, type Merge } from './into/merge.ts';
export type { Observation } from './observation.ts';
export {
  SOURCE_FORMATS,
  fileInput,
  observe,
  type ObserveOptions,
  type SourceFormat,
  type SourceInput,
} from './observe.ts';
