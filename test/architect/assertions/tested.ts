/** Runs tests of a graph that both stand as texts in a test of ours. */
import path from 'node:path';

import { runTests, type TestResult, type TestRun } from '../../../src/architect/assertions/index.ts';
import { compileGraph } from '../../../src/planning/compile.ts';
import { inOneLine, within } from '../../support/compile.ts';
import { withFolder } from '../../support/files.ts';

/** @param tests the list under `tests`. @returns findings whose files are named as in the folder. */
export function tested(graph: string, tests: string): TestRun {
  return withFolder({ 'graph.yaml': graph, 'graph.test.yaml': `waybill: 1\ntests:\n${tests}` }, (folder) => {
    const file = path.join(folder, 'graph.yaml');
    const { plan, findings } = compileGraph([file]);
    if (!plan) throw new Error(findings.map(inOneLine).join('\n'));
    const run = runTests(plan, [file]);
    return {
      findings: within(folder, run.findings),
      results: run.results.map((result) => ({
        ...result,
        file: path.basename(result.file),
        findings: within(folder, result.findings),
      })),
    };
  });
}

/** What is said of one test; empty where it holds. */
export function said(graph: string, test: string): string[] {
  const { results, findings } = tested(graph, `  - test: T\n${test.replaceAll(/^/gm, '    ')}\n`);
  return [...findings, ...results.flatMap((result: TestResult) => result.findings)].map(
    ({ code, message }) => (code === 'assertion-failed' ? message.replace('T: ', '') : `${code}: ${message}`),
  );
}
