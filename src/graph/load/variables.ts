/**
 * `${name}` in texts. In: the parsed files and the values given on the command line. Out: the same trees with every
 * text filled in. A value is never looked at again, so that a variable cannot hold another one; `$${` stands for `${`.
 */
import type { Findings, Place } from '../finding.ts';
import { didYouMean } from '../names.ts';
import type { ListNode, MapEntry, MapNode, Node, ScalarNode } from './yaml.ts';

/** What filling in may add to all texts of a graph, in characters: a short text can name a long value many times. */
const MAX_FILLED = 16 * 1024 * 1024;

const REFERENCE = /(\$?)\$\{([^}]*)(\}?)/g;

export class Variables {
  readonly #values: ReadonlyMap<string, string>;
  readonly #findings: Findings;
  readonly #used = new Set<string>();
  #filled = 0;
  /** Keeps what aliases share shared. */
  readonly #done = new Map<Node, Node>();

  constructor(values: ReadonlyMap<string, string>, findings: Findings) {
    this.#values = values;
    this.#findings = findings;
  }

  /** Everything but the file's own `vars`: no variable holds another. */
  fillFile(root: MapNode): MapNode {
    if (!root.source.text.includes('${')) return root;
    const entries = new Map(root.entries);
    const vars = entries.get('vars');
    entries.delete('vars');
    const filled = this.#map({ ...root, entries });
    if (!vars) return filled;
    return { ...filled, entries: new Map([...filled.entries, ['vars', vars]]) };
  }

  fill(node: Node): Node {
    if (node.kind === 'scalar') return this.#scalar(node);
    const done = this.#done.get(node);
    if (done) return done;
    const filled = this.#fill(node);
    this.#done.set(node, filled);
    return filled;
  }

  isUsed(name: string): boolean {
    return this.#used.has(name);
  }

  #scalar(node: ScalarNode): ScalarNode {
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node;
    return this.#text(node, node.value);
  }

  #fill(node: ListNode | MapNode): Node {
    switch (node.kind) {
      case 'list': {
        const items = node.items.map((item) => this.fill(item));
        return items.every((item, at) => item === node.items[at]) ? node : { ...node, items };
      }
      case 'map':
        return this.#map(node);
    }
  }

  #map(node: MapNode): MapNode {
    let entries: Map<string, MapEntry> | undefined;
    for (const [name, entry] of node.entries) {
      const value = name.startsWith('x-') ? entry.value : this.fill(entry.value);
      if (value === entry.value) continue;
      entries ??= new Map(node.entries);
      entries.set(name, { key: entry.key, value });
    }
    return entries ? { ...node, entries } : node;
  }

  #text(node: ScalarNode, text: string): ScalarNode {
    const start = node.offset + (/["']/.test(node.source.text.charAt(node.offset)) ? 1 : 0);
    const value = text.replace(REFERENCE, (whole, escape: string, name: string, end: string, at: number) => {
      if (escape) return whole.slice(1);
      const place = { source: node.source, offset: start + at };
      if (!end) {
        this.#findings.add(
          'undefined-variable',
          place,
          'A `${` is not closed.',
          'Write ${name}, or $${ where the characters themselves are meant.',
        );
        return whole;
      }
      const found = this.#values.get(name);
      if (found !== undefined) {
        this.#used.add(name);
        this.#filled += found.length;
        if (this.#filled <= MAX_FILLED) return found;
        if (this.#filled - found.length > MAX_FILLED) return '';
        this.#findings.add(
          'file-too-large',
          place,
          `Filled in, the variables of this graph have more than ${MAX_FILLED.toLocaleString('en')} characters.`,
          'Use shorter values.',
        );
        return '';
      }
      this.#findings.add(
        'undefined-variable',
        place,
        `The variable \${${name}} has no value.`,
        didYouMean(name, this.#values.keys()) || `Add it to \`vars\`: vars: { ${name || 'domain'}: … }.`,
      );
      return whole;
    });
    return { ...node, value };
  }
}

/** Reads the one `vars` section and lays the command line's values over it. */
export function collectVariables(
  roots: readonly MapNode[],
  given: ReadonlyMap<string, string>,
  findings: Findings,
): { values: Map<string, string>; declared: ReadonlyMap<string, MapEntry> } {
  const declared = new Map<string, MapEntry>();
  const values = new Map<string, string>();
  for (const root of roots) {
    const section = root.entries.get('vars')?.value;
    if (section?.kind !== 'map') continue;
    for (const [name, entry] of section.entries) {
      if (entry.value.kind !== 'scalar') continue; // the schema says so
      declared.set(name, entry);
      // A number keeps its text: 1.10 stays 1.10, and an id keeps all of its digits.
      const value = entry.value.written ?? String(entry.value.value);
      values.set(name, value);
      if (value.includes('${')) refuseNested(name, entry.value, findings);
    }
  }
  for (const [name, value] of given) {
    if (!declared.has(name)) {
      findings.add(
        'undefined-variable',
        roots[0],
        `--var names ${name}, which no \`vars\` section declares.`,
        didYouMean(name, declared.keys()) || 'Declare it with a default under `vars`.',
      );
    }
    values.set(name, value);
    if (value.includes('${')) refuseNested(name, roots[0], findings);
  }
  return { values, declared };
}

function refuseNested(name: string, at: Place | undefined, findings: Findings): void {
  findings.add(
    'invalid-value',
    at,
    `The value of the variable ${name} holds another one.`,
    'A value is taken as it is: write it out.',
  );
}
