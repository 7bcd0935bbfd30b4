/** From the texts of a graph to trees. A file whose tree is known is not parsed again. */
import type { Findings, SourceText } from '../finding.ts';
import type { KnownFiles } from './known-files.ts';
import { parseYaml, type MapNode } from './yaml.ts';

export interface ParsedFile {
  /** As it was found. A tree that was parsed for another graph names its file there. */
  readonly file: string;
  readonly root: MapNode;
}

/** @returns those that are mappings; every other file has a finding. */
export function parseFiles(
  sources: readonly SourceText[],
  known: KnownFiles,
  findings: Findings,
): ParsedFile[] {
  return sources.flatMap((source) => {
    const root = known.root(source.text) ?? parseYaml(source, findings, known.names);
    if (!root) return [];
    if (root.kind === 'map') return [{ file: source.file, root }];
    findings.add('wrong-type', root, 'A graph file is a mapping.', 'It begins with `waybill: 1`.');
    return [];
  });
}
