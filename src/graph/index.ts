/** The graph: from files that people write to a plan that the issuer follows. */
export { readGraph, type OverlaidGraph } from './read-graph.ts';
export { graphFiles, readTestSources } from './load/files.ts';
export { readVariableFile } from './load/variable-file.ts';
export { valueCombinations } from './load/value-combinations.ts';
export { checkShape, toValue } from './load/schema.ts';
export { type Restatement } from './load/overlays/apply.ts';
export { parseYaml, type MapNode, type Node } from './load/yaml.ts';
export { Fields, textOf, textsOf } from './declare/fields.ts';
export { fits, readCriteria, selectorText } from './declare/selectors.ts';
export { checkKnown } from './rules/names.ts';
export { KnownFiles } from './load/known-files.ts';
export type { AcceptedFinding } from './acceptance.ts';
export { explanations, type Explanation, type FindingCode } from './explanations.ts';
export {
  Findings,
  SourceText,
  type Cause,
  type Finding,
  type FindingPlace,
  type Place,
  type Severity,
} from './finding.ts';
export { mergeCauses, partyNames } from './causes.ts';
export { fewNames, nameList } from './name-list.ts';
export { didYouMean } from './names.ts';
export { claimAt } from './claim-path.ts';
export { topologicalOrder } from './topological-order.ts';
export { REQUEST_CLAIMS, RESERVED_CLAIMS } from './rules/claims.ts';
export { callersOf, type Caller } from './compile/callers.ts';
export { isAllowed, isOfType, largestJson, mayHaveValue } from './compile/claim-values.ts';
export { termTexts, termsOf, type CallTerms } from './compile/call-terms.ts';
export { conditionTexts, conditionsOn, type Condition } from './compile/conditions.ts';
export { conjunctsOfRequest, hasConditions, heldConjunctsOf } from './compile/conjuncts.ts';
export { stepUpFor, type StepUp, type Withholding } from './compile/withheld.ts';
export { decidedLogins } from './conditions/step-up.ts';
export {
  factName,
  factsOf,
  subjectPaths,
  type ClaimFactSource,
  type Comparison,
  type Expression,
  type Fact,
  type Literal,
  type TextTest,
} from './conditions/expression.ts';
export { celOf } from './conditions/print.ts';
export { Decision, conditionsFor } from './conditions/decision.ts';
export { decide, decideAtSwap, decidedAtIssue, factsForSwap } from './conditions/decide.ts';
export { factValues, type RequestFacts, type SubjectFacts } from './conditions/facts.ts';
export { endOf, isDay, startOf } from './day.ts';
export { QUOTES, valueBytes } from './compile/value-size.ts';
export { carriedClaimsOf, heldClaimsOf, isCarried } from './compile/held.ts';
export { actOf, keepsLineage, longestChains, mostActors } from './compile/lineage.ts';
export { isSealedBy, sealedServices, sealsAny } from './compile/sealed.ts';
export { endTexts, endsOf, lastDay, type CallEnd } from './compile/ends.ts';
export { firstEnd, planOfDay } from './compile/plan-of-day.ts';
export { resolveRequest, type ResolvedRequest, type TreeRequest } from './compile/request.ts';
export {
  MAX_WALKED_LEVELS,
  TooManyShapes,
  Walk,
  audienceOf,
  embeddedOrFetched,
  sortByDeclaration,
  mergeCalls,
  reachableTokens,
  withBranches,
  type Branch,
  type TokenBody,
  type TokenShape,
} from './compile/walk.ts';
export { type PlannedTree, type PlannedTrees } from './rules/planned-trees.ts';
export type * from './compile/plan.ts';
export type {
  Accepted,
  ActRule,
  At,
  Binding,
  CallerCheck,
  CertificateNameKind,
  ClaimSetter,
  ClaimType,
  Criteria,
  HeadersDeclaration,
  GrantName,
  HopDeclaration,
  CallMode,
  Overflow,
  ScopeSettings,
  SecretMethod,
  ServiceSettings,
  SelectorList,
  SubjectSettings,
  SubjectTokenKind,
  TokenForm,
} from './declare/declaration.ts';
export { DEFAULT_RESERVE, type Reserve } from './declare/reserve.ts';
export type { Actor, Encoding, KeyAgreement, Lineage, SigningAlgorithm } from '../protocol.ts';
