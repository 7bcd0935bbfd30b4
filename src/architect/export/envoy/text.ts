/** A configuration as a file: YAML, with the notes as comments. */
import { dump } from 'js-yaml';
import type { Plan } from '../../../graph/index.ts';
import { noteComments, oneLine, type ExportNote } from '../notes.ts';

/**
 * @param service the notes of this one, and those of all, stand at the top.
 * @param config a bootstrap, or the parts for one.
 */
export function envoyYaml(
  { name, digest }: Plan,
  service: string,
  config: object,
  notes: readonly ExportNote[],
): string {
  const own = notes.filter((note) => note.service === undefined || note.service === service);
  const head = `# ${service}, from the graph ${oneLine(name)}, digest ${digest}. Written by waybill export: change the graph, not this file.\n`;
  return head + noteComments(own) + dump(config, { lineWidth: -1, noRefs: true });
}
