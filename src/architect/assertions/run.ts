/** Runs the tests beside a graph. In: the plan of the graph, and the paths that it was read from. Out: what holds, and what does not. */
import {
  Findings,
  checkShape,
  mergeCauses,
  parseYaml,
  readTestSources,
  type Finding,
  type FindingPlace,
  type Plan,
  type SourceText,
} from '../../graph/index.ts';
import { located, toFinding, type Assertion, type Contradiction } from './assertion.ts';
import { judgeChains } from './chains.ts';
import { judgeReaders } from './claim-readers.ts';
import { readTests, type ReadTest } from './read.ts';
import { judgeRequest } from './requests.ts';

/** One test of a file. */
export interface TestResult extends FindingPlace {
  /** Its title. */
  readonly test: string;
  readonly holds: boolean;
  /** Why it does not hold, or what is wrong with it. */
  readonly findings: readonly Finding[];
}

export interface TestRun {
  /** By file, and in each in the order of the tests. */
  readonly results: readonly TestResult[];
  /** About files as a whole; their tests were not run. */
  readonly findings: readonly Finding[];
}

/**
 * @param paths the files and folders of the graph, and files of tests: `*.test.yaml` in folders, and `shop.test.yaml` beside a
 *   named file `shop.yaml`.
 */
export function runTests(plan: Plan, paths: readonly string[]): TestRun {
  const unreadable = new Findings();
  const files = readTestSources(paths, unreadable).map((source) => readFile(source, plan));
  return {
    results: files.flatMap(({ tests }) => tests.map((test) => run(test, plan))),
    findings: [...mergeCauses(unreadable.sorted()), ...files.flatMap(({ findings }) => findings)],
  };
}

interface TestFile {
  readonly tests: readonly ReadTest[];
  readonly findings: readonly Finding[];
}

/** A file with an error in its shape may mean other tests than those that can be read. */
function readFile(source: SourceText, plan: Plan): TestFile {
  const findings = new Findings();
  const root = parseYaml(source, findings);
  if (root?.kind === 'map') checkShape(root, findings, { kind: 'tests' });
  else if (root)
    findings.add('wrong-type', root, 'A file of tests is a mapping.', 'It begins with `waybill: 1`.');
  const tests = root?.kind === 'map' && !findings.hasErrors ? readTests(root, plan) : [];
  return { tests, findings: mergeCauses(findings.sorted()) };
}

function run(test: ReadTest, plan: Plan): TestResult {
  const { title, place, assertion } = test;
  const findings = assertion
    ? judge(assertion, plan).map((contradiction) => toFinding(title, contradiction))
    : test.findings;
  return {
    test: title,
    ...located(place),
    holds: assertion !== undefined && findings.length === 0,
    findings,
  };
}

function judge({ rule, mayBeEmpty }: Assertion, plan: Plan): readonly Contradiction[] {
  switch (rule.form) {
    case 'never':
    case 'only':
      return judgeChains(plan, rule, mayBeEmpty);
    case 'reads':
      return judgeReaders(plan, rule, mayBeEmpty);
    case 'request':
      return judgeRequest(plan, rule);
  }
}
