/** Words that the project has replaced. A word is listed here once the last use is gone. */
export interface RetiredWord {
  /** As the report names it. */
  readonly word: string;
  /** Finds it in a line of code or prose, or in the path of a file. */
  readonly pattern: RegExp;
  /** The word to use. */
  readonly use: string;
}

export const retiredWords: readonly RetiredWord[] = [
  // names
  { word: 'Misfit', pattern: /misfit/i, use: 'BudgetViolation, "budget violation"' },
  { word: 'Fitter', pattern: /\bfitters?\b/i, use: 'OverflowPlanner, "overflow planner"' },
  { word: 'shutOut', pattern: /shutOut/, use: 'clientsWithoutUsableAuth' },
  { word: 'isSpoken', pattern: /isSpoken/, use: 'isMethodAvailable' },
  { word: 'keptBetweenRequests', pattern: /keptBetweenRequests/, use: 'sharedStateNeeds' },
  { word: 'inOrder', pattern: /\binOrder\b/, use: 'sortByDeclaration' },
  { word: 'ShownKeys', pattern: /shownKeys/i, use: 'PresentedKeys' },
  { word: 'ProvenKeys', pattern: /provenKeys/i, use: 'VerifiedKeys' },
  { word: 'RequestRefused', pattern: /RequestRefused/, use: 'HttpError' },
  { word: 'ShortCache', pattern: /short-?cache/i, use: 'CoalescingCache' },
  { word: 'class Guesses', pattern: /guesses\.ts|\b(?:new|class|type|\{) Guesses\b/, use: 'Predictor' },
  { word: 'own-forms', pattern: /own-?forms/i, use: 'signing templates' },
  { word: 'Filling', pattern: /\bFilling\b/, use: 'TemplateValues, "template values"' },
  { word: 'Beginnings', pattern: /\bBeginnings?\b/, use: 'resolve the request' },
  { word: 'heaviest', pattern: /heaviest/i, use: 'worst case' },
  { word: 'unbeaten', pattern: /unbeaten/i, use: 'Pareto front' },
  { word: 'sole-process', pattern: /sole[- ]?process/i, use: 'InstanceLock, "instance lock"' },
  { word: 'process-mark', pattern: /process-?mark/i, use: '"instance lock", "lock file"' },
  { word: 'exposure', pattern: /exposure/i, use: 'access, "access analysis"' },
  { word: 'circle', pattern: /(?<![<'"-])circles?\b(?!,)/i, use: 'cycle' },
  // phrases
  { word: 'that there is not', pattern: /\bthat there is not\b/i, use: '"no …", "an unknown …"' },
  { word: 'is carried out', pattern: /\b(?:is|are|not) carried out\b/i, use: '"implemented"' },
  { word: 'as it came', pattern: /\bas (?:it|they) came\b/i, use: '"as received"' },
  { word: 'is told', pattern: /\b(?:is|are) told\b(?! apart)/i, use: '"is reported", "gets"' },
  { word: 'what came', pattern: /\bwhat came\b/i, use: '"the received token"' },
  { word: 'reads as one', pattern: /\breads? as one\b(?! graph)/i, use: '"is", "counts as"' },
  {
    word: 'the room that its hop leaves',
    pattern: /\broom that (?:its|the|a) hop leaves\b/i,
    use: '"header budget"',
  },
  { word: 'letter by letter', pattern: /\bletter by letter\b/i, use: '"case-sensitive"' },
  { word: 'in small letters', pattern: /\bsmall letters\b/i, use: '"lower case"' },
];
