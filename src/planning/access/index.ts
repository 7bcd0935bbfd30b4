/** Access analysis: who can read every token and claim, and who could present a token that is not its own (rule 8). */
export { checkAccess } from './check.ts';
export { GraphAccess, type ServiceAccess } from './graph-access.ts';
export { Calls, type PathStep, type Step } from './calls.ts';
export { pathsToClaim, pathsToScope, type ClientPaths, type Reached } from './paths.ts';
export { audiencesOf } from './readers.ts';
export { unplannedSteps, type TreeFault } from './tree-steps.ts';
export { analyzeTreeAccess, type TokenAccess, type TreeAccess, type AccessReason } from './tree-access.ts';
