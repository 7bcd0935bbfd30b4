/**
 * Numbers of threats, graph rules and rules of the tokens that code and tests cite ("threat 3", "rule 8", "L3:") are in the
 * project's lists; each threat is cited by a test or links one, and each rule of the tokens is cited by a test. In: a folder.
 * Out: one line for each fault.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

interface List {
  readonly file: string;
  readonly heading: RegExp;
  readonly citation: RegExp;
}

const threats: List = {
  file: 'docs/reference/threat-model.md',
  heading: /^### Threat (\d+): /,
  citation: /\bthreats? (\d+)(?: and (\d+))?/gi,
};
const rules: List = {
  file: 'docs/reference/graph-rules.md',
  heading: /^## Rule (\d+): /,
  citation: /\brules? (\d+)(?:(?:, \d+)* and (\d+))?/gi,
};

const tokenRules: List = {
  file: 'docs/reference/token-rules.md',
  heading: /^### Rule ([A-Z]\d+)$/,
  citation: /\b([LSX]\d{1,2})\b(?=[:,)])/g,
};

/** The sections of a list, by number. */
function sectionsOf(root: string, { file, heading }: List): ReadonlyMap<string, string> {
  const sections = new Map<string, string>();
  let number: string | undefined;
  for (const line of readFileSync(path.join(root, file), 'utf8').split('\n')) {
    number = heading.exec(line)?.[1] ?? (line.startsWith('## ') ? undefined : number);
    if (number !== undefined) sections.set(number, `${sections.get(number) ?? ''}${line}\n`);
  }
  return sections;
}

interface Citation {
  readonly place: string;
  readonly number: string;
}

function citationsIn(root: string, folder: string, { citation }: List): Citation[] {
  const files = readdirSync(path.join(root, folder), { encoding: 'utf8', recursive: true })
    .map((name) => path.posix.join(folder, ...name.split(path.sep)))
    .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('test/scripts/check/'));
  return files.flatMap((file) =>
    readFileSync(path.join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(citation)].flatMap(([, first, second]: (string | undefined)[]) =>
          [first, second].flatMap((number) =>
            number === undefined ? [] : [{ place: `${file}:${index + 1}`, number }],
          ),
        ),
      ),
  );
}

export function citationFaults(root: string): string[] {
  const unknown = [threats, rules, tokenRules].flatMap((list) => {
    const sections = sectionsOf(root, list);
    // In src, L1 and the like are commands of pictures.
    const inSource = list === tokenRules ? [] : citationsIn(root, 'src', list);
    return [...inSource, ...citationsIn(root, 'test', list)]
      .filter(({ number }) => !sections.has(number))
      .map(({ place, number }) => `${place}: ${list.file} has no number ${number}`);
  });
  const tested = new Set(citationsIn(root, 'test', threats).map(({ number }) => number));
  const untested = [...sectionsOf(root, threats)]
    .filter(([number, section]) => !tested.has(number) && !section.includes('.test.ts)'))
    .map(([number]) => `${threats.file}: no test cites threat ${number}, and its section links none`);
  const named = new Set(citationsIn(root, 'test', tokenRules).map(({ number }) => number));
  const unnamed = [...sectionsOf(root, tokenRules).keys()]
    .filter((number) => !named.has(number))
    .map((number) => `${tokenRules.file}: no test cites rule ${number}`);
  return [...unknown, ...untested, ...unnamed];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const faults = citationFaults(path.resolve(import.meta.dirname, '../..'));
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
