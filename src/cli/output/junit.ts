/** Results of tests as JUnit XML, in the form that CI systems read: a suite for each file, a case for each test. */
import type { TestResult, TestRun } from '../../architect/assertions/index.ts';
import type { Finding } from '../../graph/index.ts';

/** @param pathOf gives a file's path in the repository. */
export function junit({ results, findings }: TestRun, pathOf: (file: string) => string): string {
  const files = new Set([...results, ...findings].map(({ file }) => file));
  const suites = [...files].map((file) => {
    const cases = results.filter((result) => result.file === file);
    const faults = findings.filter((finding) => finding.file === file);
    return suite(pathOf(file), cases, faults, pathOf);
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="waybill">',
    ...suites,
    '</testsuites>',
  ].join('\n');
}

/** @param faults of the file as a whole. */
function suite(
  path: string,
  cases: readonly TestResult[],
  faults: readonly Finding[],
  pathOf: (file: string) => string,
): string {
  const failures = cases.filter(({ holds }) => !holds).length;
  const counts = `tests="${cases.length + faults.length}" failures="${failures}" errors="${faults.length}"`;
  const start = (name: string, line: number): string =>
    `    <testcase name="${xml(name)}" classname="${xml(path)}" file="${xml(path)}" line="${line}"`;
  return [
    `  <testsuite name="${xml(path)}" ${counts}>`,
    ...cases.map(({ test, line, holds, findings }) =>
      holds
        ? `${start(test, line)}/>`
        : `${start(test, line)}>\n${findings.map((finding) => fault('failure', finding, pathOf)).join('\n')}\n    </testcase>`,
    ),
    ...faults.map(
      (finding) =>
        `${start(finding.code, finding.line)}>\n${fault('error', finding, pathOf)}\n    </testcase>`,
    ),
    '  </testsuite>',
  ].join('\n');
}

function fault(
  element: 'failure' | 'error',
  { code, message, hint, file, line, column, places }: Finding,
  pathOf: (file: string) => string,
): string {
  const at = [{ file, line, column }, ...places].map(
    (place) => `${pathOf(place.file)}:${place.line}:${place.column}`,
  );
  const text = [message, hint, ...at].filter((part) => part !== '').join('\n');
  return `      <${element} type="${xml(code)}" message="${xml(message)}">${xml(text)}</${element}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** XML 1.0 has no control characters but tab and line ends, and no unpaired surrogates. */
function xml(text: string): string {
  return text
    .replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}
