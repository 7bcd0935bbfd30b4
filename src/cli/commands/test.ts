/** `waybill test PATH…` */
import { Option, type Command } from 'commander';
import { runTests, type TestResult, type TestRun } from '../../architect/assertions/index.ts';
import { usageError } from '../../errors.ts';
import {
  findingsText,
  planOf,
  withDatedGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { version } from '../arguments/version.ts';
import { githubAnnotations } from '../output/annotations.ts';
import { junit } from '../output/junit.ts';
import { repositoryPaths } from '../output/repository-path.ts';
import { sarif } from '../output/sarif.ts';
import { paint, plain, plural, print, printDocument, printJson } from '../output/terminal.ts';

const FORMATS = ['text', 'json', 'junit', 'github', 'sarif'] as const;

interface TestOptions extends GraphArguments {
  readonly format: (typeof FORMATS)[number];
}

export function addTest(program: Command): void {
  withDatedGraphOptions(
    program
      .command('test')
      .summary('run the tests beside a graph: what must hold, whatever changes')
      .description(
        'Runs the tests in files that end in .test.yaml: those in the folders, and shop.test.yaml beside shop.yaml. Exit 0: all hold; 1: one does not, or the graph is in error; 2: wrong use, or no test found.',
      )
      .argument('<path...>', 'graph files, files of tests, or folders of both; together one graph')
      .addOption(
        new Option(
          '--format <format>',
          'how to print; github is annotations for a pull request, sarif is SARIF 2.1.0, junit is XML for CI systems',
        )
          .choices(FORMATS)
          .default('text'),
      )
      .addOption(
        new Option(
          '--json',
          'print {"ok", "tests": [{"test", "holds", "findings"}], "findings": […]}',
        ).implies({
          format: 'json',
        }),
      ),
  ).action((paths: string[], options: TestOptions) => {
    const run = runTests(planOf(paths, options, 'plan'), paths);
    const { results, findings } = run;
    if (results.length === 0 && findings.length === 0)
      throw usageError('No test found. Name a file that ends in .test.yaml, or a folder that has one.');
    const ok = findings.length === 0 && results.every(({ holds }) => holds);
    printRun(run, ok, options.format);
    process.exitCode = ok ? 0 : 1;
  });
}

function printRun(run: TestRun, ok: boolean, format: TestOptions['format']): void {
  const findings = [...run.findings, ...run.results.flatMap((result) => result.findings)];
  switch (format) {
    case 'json':
      return printJson({ ok, tests: run.results, findings: run.findings });
    case 'junit':
      return printDocument(junit(run, repositoryPaths()));
    case 'github':
      if (findings.length > 0) print(githubAnnotations(findings, repositoryPaths()));
      return;
    case 'sarif':
      return printJson(
        sarif({ findings, leftOut: undefined, accepted: [], pathOf: repositoryPaths() }, version()),
      );
    case 'text':
      return print(report(run, findings));
  }
}

function report(
  { results, findings: ofFiles }: TestRun,
  findings: Parameters<typeof findingsText>[0],
): string {
  const failing = results.filter(({ holds }) => !holds);
  const parts = results.map(line);
  if (findings.length > 0) parts.push('', findingsText(findings));
  const counts = [
    `${plural(results.length - failing.length, 'test holds', 'tests hold')}`,
    ...(failing.length > 0 ? [`${plural(failing.length, 'does not', 'do not')}`] : []),
    ...(ofFiles.length > 0 ? ['some files were not run'] : []),
  ];
  return [...parts, '', `${counts.join(', ')}.`].join('\n');
}

function line({ test, holds }: TestResult): string {
  return `${holds ? paint.green('✓') : paint.red('✗')} ${plain(test)}`;
}
