/** One wrong graph and what must be said of it: every finding, at each of its exact places, and no other. */
import { expect } from 'chai';
import type { Finding, FindingCode } from '../../../src/graph/index.ts';
import { allPlaced, compileFiles, readMarks, type Variables } from '../../support/compile.ts';
import type { Files } from '../../support/files.ts';

export interface Case {
  readonly title: string;
  /** The text of graph.yaml, or several files; a mark stands before each place where a finding belongs. */
  readonly graph: string | Readonly<Record<string, string>>;
  /** What is found, in the order of the marks. */
  readonly finds: readonly FindingCode[];
  /** What is found and belongs to no place in a file. */
  readonly elsewhere?: readonly FindingCode[];
  /** Which kinds may only follow from these. Absent: not looked at. */
  readonly leftOut?: readonly FindingCode[];
  readonly variables?: Variables;
  /** Files to apply as overlays, in this order. */
  readonly overlays?: readonly string[];
  /** What the first finding says. */
  readonly message?: RegExp;
  readonly hint?: RegExp;
}

/** @returns the findings, once they are seen to be the expected ones. */
export function judge({
  graph,
  finds,
  elsewhere = [],
  leftOut,
  variables,
  overlays,
  message,
  hint,
}: Case): readonly Finding[] {
  const files: Record<string, string> = {};
  const places: string[] = [];
  for (const [name, marked] of Object.entries(typeof graph === 'string' ? { 'graph.yaml': graph } : graph)) {
    const { text, marks } = readMarks(marked);
    files[name] = text;
    places.push(...marks.map((mark) => `${name}:${mark}`));
  }
  const expected = places.map((place, index) => `${place} ${finds[index] ?? 'nothing'}`);
  const compiled = compileFiles(files, variables, overlays);
  const { findings, plan } = compiled;
  expect(allPlaced(findings)).to.have.members([...elsewhere.map((code) => `:1:1 ${code}`), ...expected]);
  expect(finds).to.have.lengthOf(places.length);
  if (leftOut) expect(compiled.leftOut).to.deep.equal(leftOut);
  expect(plan === undefined).to.equal(findings.some(({ severity }) => severity === 'error'));
  const [first] = findings;
  if (message) expect(first?.message).to.match(message);
  if (hint) expect(first?.hint).to.match(hint);
  for (const finding of findings) {
    expect(finding.message).to.match(/^.+[.!?]$/);
    expect(finding.hint, finding.message).to.match(/^.+[.?]$/);
  }
  return findings;
}

export type { Files };
