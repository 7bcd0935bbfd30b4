/** A configuration as a file: YAML, with the notes as comments. */
import { dump } from 'js-yaml';
import type { Plan } from '../../graph/index.ts';
import { noteComments, notesOn, oneLine, type ExportNote } from './notes.ts';

/**
 * @param service the notes of this one, and those of all, stand at the top.
 * @param title what the file is.
 */
export function configYaml(
  { name, digest }: Plan,
  service: string,
  config: object,
  notes: readonly ExportNote[],
  title = service,
): string {
  const head = `# ${title}, from the graph ${oneLine(name)}, digest ${digest}. Written by waybill export: change the graph, not this file.\n`;
  return head + noteComments(notesOn(notes, service)) + yamlOf(config);
}

/** In lines of any length, and without anchors. */
export function yamlOf(config: object): string {
  return dump(config, { lineWidth: -1, noRefs: true });
}
