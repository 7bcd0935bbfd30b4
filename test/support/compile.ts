/** Compiles graphs that a test writes as text. */
import path from 'node:path';

import { judgeOverlays } from '../../src/architect/diff/index.ts';
import { compileGraph, type Compiled } from '../../src/planning/compile.ts';
import type { Finding, FindingPlace, Plan } from '../../src/graph/index.ts';
import { withFolder, type Files } from './files.ts';

export type Variables = Readonly<Record<string, string>>;

/**
 * Compiles a folder; findings name files as they are named inside it.
 *
 * @param overlays files of it to apply, in this order.
 */
export function compileFiles(
  files: Files,
  variables: Variables = {},
  overlays: readonly string[] = [],
): Compiled {
  return withFolder(files, (folder) => {
    const paths = [folder, ...overlays.map((file) => path.join(folder, file))];
    const compiled = compileGraph(paths, { variables: new Map(Object.entries(variables)), judgeOverlays });
    return { ...compiled, findings: within(folder, compiled.findings) };
  });
}

/** Compiles one file, named graph.yaml. */
export function compileText(text: string, variables: Variables = {}): Compiled {
  return withFolder({ 'graph.yaml': text }, (folder) => {
    const file = path.join(folder, 'graph.yaml');
    const compiled = compileGraph([file], { variables: new Map(Object.entries(variables)) });
    return { ...compiled, findings: within(folder, compiled.findings) };
  });
}

export function within(folder: string, findings: readonly Finding[]): Finding[] {
  const strip = (text: string): string => text.replaceAll(folder + path.sep, '').replaceAll(folder, '.');
  return findings.map((finding) => ({
    ...finding,
    file: strip(finding.file),
    message: strip(finding.message),
    hint: strip(finding.hint),
    places: finding.places.map((place) => ({ ...place, file: strip(place.file) })),
  }));
}

/** @throws Error that names the findings where the graph has an error. */
export function planOf(text: string, variables: Variables = {}): Plan {
  const { plan, findings } = compileText(text, variables);
  return plan ?? failWith(findings);
}

/** The same for files and folders that exist. */
export function planAt(paths: readonly string[], variables: Variables = {}): Plan {
  const { plan, findings } = compileGraph(paths, { variables: new Map(Object.entries(variables)) });
  return plan ?? failWith(findings);
}

/** Compiles a graph whose tokens may be too large. */
export function draftOf(text: string): Plan {
  const { draft, findings } = compileText(text);
  return draft ?? failWith(findings);
}

function failWith(findings: readonly Finding[]): never {
  throw new Error(`The graph of this test is wrong:\n${findings.map(inOneLine).join('\n')}`);
}

/** `graph.yaml:3:7 unknown-scope` */
export function placed({ file, line, column, code }: Pick<Finding, 'code' | keyof FindingPlace>): string {
  return `${file}:${line}:${column} ${code}`;
}

/** The same for every place of every finding. */
export function allPlaced(findings: readonly Finding[]): string[] {
  return findings.flatMap((finding) =>
    [finding, ...finding.places].map((place) => placed({ code: finding.code, ...pick(place) })),
  );
}

function pick({ file, line, column }: FindingPlace): FindingPlace {
  return { file, line, column };
}

export function inOneLine(finding: Finding): string {
  return `${placed(finding)} (${finding.severity}) ${finding.message} ${finding.hint}`;
}

/** Stands in a text right before the place where a finding belongs. */
export const MARK = '‸';

export interface MarkedText {
  readonly text: string;
  /** `line:column` of each mark, from 1, in the text without marks. */
  readonly marks: readonly string[];
}

export function readMarks(marked: string): MarkedText {
  const [start = '', ...rest] = marked.split(MARK);
  let text = start;
  const marks = rest.map((part) => {
    const before = text.split('\n');
    text += part;
    return `${before.length}:${before.at(-1)!.length + 1}`;
  });
  return { text, marks };
}

/** What every graph of these tests begins with, so that a case shows only what it is about. */
export const HEAD = `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy }, caller: mtls }
`;

/** A client that may call one scope of one service. */
export const client = (calls: string, more = ''): string =>
  `clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    ${more}
    calls: ${calls}
`;
