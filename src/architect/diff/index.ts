/** Two graphs compared by the authority that they give. */
export { type Change, type ChangeKind, type Impact, type ChangedParty } from './change.ts';
export { diffGraphs, type GraphDiff, type ReachChange } from './diff.ts';
export { type CallerChange, type ReaderChange } from './access.ts';
export { type HopChange, type HopSize, type RequestChange } from './requests.ts';
export { judgeOverlays } from './overlays.ts';
export { type SealKeyThumbprints } from './seal-keys.ts';
