/** Reads traces, mesh graphs and mesh policies; drafts a graph from them, or compares them with one. */
export { warningText } from './import-warnings.ts';
export { draftGraph } from './draft-graph.ts';
export { findDrift, type Drift } from './drift/drift.ts';
export type { Coverage } from './drift/coverage.ts';
export type { DriftFinding, DriftSide } from './drift/finding.ts';
export { mergeObservation, type Merge } from './merge/merge.ts';
export type { Observation } from './observation.ts';
export {
  SOURCE_FORMATS,
  fileInput,
  observe,
  type ObserveOptions,
  type SourceFormat,
  type SourceInput,
} from './observe.ts';
