/** Access analysis: who can read every token and claim, and who could present a token that is not its own (rule 8). */
export { checkAccess } from './check.ts';
export { GraphAccess, type ServiceAccess } from './graph-access.ts';
export { pathsToClaim, pathsToScope, type ClientPaths, type Reached, type PathStep } from './paths.ts';
export { unplannedSteps, type TreeFault } from './tree-steps.ts';
export { analyzeTreeAccess, type TokenAccess, type TreeAccess, type AccessReason } from './tree-access.ts';
