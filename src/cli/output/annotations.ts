/** Findings as GitHub annotations: workflow commands, one per line. */
import type { Finding } from '../../graph/index.ts';
import { placeList } from './place-list.ts';

/** @param pathOf gives a file's path in the repository. */
export function githubAnnotations(findings: readonly Finding[], pathOf: (file: string) => string): string {
  return findings.map((finding) => annotation(finding, pathOf)).join('\n');
}

/** Places that one annotation lists. */
const MOST_PLACES = 50;

function annotation(
  { severity, file, line, column, code, message, hint, places }: Finding,
  pathOf: (file: string) => string,
): string {
  const place = file === '' ? [] : [`file=${property(pathOf(file))}`, `line=${line}`, `col=${column}`];
  const others = places.map((other) => ({ ...other, file: pathOf(other.file) }));
  const also = placeList(others, pathOf(file), MOST_PLACES);
  const text = [message, hint, also].filter((part) => part !== '').join('\n');
  return `::${severity} ${[...place, `title=${property(code)}`].join()}::${data(text)}`;
}

/** Escapes line ends and percent signs, so that no text of a graph becomes a command. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
