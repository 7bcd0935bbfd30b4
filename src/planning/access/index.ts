/** Who holds what: the readers of every token and claim, and who can spend a token that is not its own (rule 8). */
export { checkExposure } from './check.ts';
export { graphHolders, type ServiceHolders } from './graph-holders.ts';
export {
  waysToClaim,
  waysToScope,
  type ClientWays,
  type Reached,
  type WayStep,
  type WaysOptions,
} from './paths.ts';
export {
  treeHolders,
  type ClaimReaders,
  type HolderView,
  type PartyView,
  type SpenderView,
  type TokenHolders,
  type TreeHolders,
  type Why,
} from './tree-holders.ts';
