/** Findings as GitHub shows them beside the lines of a change: workflow commands, one a line. */
import type { Finding } from '../../graph/index.ts';

export function githubAnnotations(findings: readonly Finding[]): string {
  return findings.map(annotation).join('\n');
}

function annotation({ severity, file, line, column, code, message, hint }: Finding): string {
  const place = file === '' ? [] : [`file=${property(file)}`, `line=${line}`, `col=${column}`];
  const text = hint === '' ? message : `${message}\n${hint}`;
  return `::${severity} ${[...place, `title=${property(code)}`].join()}::${data(text)}`;
}

/** What ends a command, or begins an escape, is escaped, so that no text of a graph is a command of its own. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
