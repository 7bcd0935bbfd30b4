/** A file of values for variables, beside the graph: `domain: stage.example`. */
import { usageError } from '../../errors.ts';
import { Findings, type Found } from '../finding.ts';
import { textOf } from './declared-variables.ts';
import { readSource } from './files.ts';
import { parseYaml } from './yaml.ts';

/**
 * Reads the values of a file as text; the variable's own type decides what they become.
 *
 * @param path a YAML mapping from names to texts, numbers, true or false.
 * @throws WaybillError `usage` that says what is wrong and where.
 */
export function readVariableFile(path: string): ReadonlyMap<string, string> {
  const findings = new Findings();
  const source = readSource(path, findings);
  const root = source && parseYaml(source, findings);
  const values = new Map<string, string>();
  if (root && root.kind !== 'map')
    findings.add('wrong-type', root, 'A file of variables is a mapping.', 'As in `domain: stage.example`.');
  for (const [name, { key, value }] of root?.kind === 'map' ? root.entries : []) {
    if (value.kind === 'scalar' && value.value !== null) values.set(name, textOf(value));
    else
      findings.add(
        'wrong-type',
        key,
        `The value of ${name} is not text, a number, true or false.`,
        'Write one.',
      );
  }
  const [first] = findings.sorted();
  if (first) throw usageError(sentence(first));
  return values;
}

function sentence({ file, line, column, message, hint }: Found): string {
  return `${file}:${line}:${column}: ${message} ${hint}`.trim();
}
