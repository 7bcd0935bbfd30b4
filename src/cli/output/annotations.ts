/** Findings as GitHub annotations: workflow commands, one per line. */
import type { Finding } from '../../graph/index.ts';

/** @param pathOf gives a file's path in the repository. */
export function githubAnnotations(findings: readonly Finding[], pathOf: (file: string) => string): string {
  return findings.map((finding) => annotation(finding, pathOf)).join('\n');
}

function annotation(
  { severity, file, line, column, code, message, hint }: Finding,
  pathOf: (file: string) => string,
): string {
  const place = file === '' ? [] : [`file=${property(pathOf(file))}`, `line=${line}`, `col=${column}`];
  const text = hint === '' ? message : `${message}\n${hint}`;
  return `::${severity} ${[...place, `title=${property(code)}`].join()}::${data(text)}`;
}

/** Escapes line ends and percent signs, so that no text of a graph becomes a command. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
