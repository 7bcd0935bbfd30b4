/**
 * `${name}` in texts and keys. In: the parsed files and the variables. Out: the same trees with all of them filled in. A
 * value is never looked at again, so that a variable cannot hold another one; `$${` stands for `${`.
 */
import type { Findings, Place } from '../finding.ts';
import { didYouMean } from '../names.ts';
import type { Variable, VariableValue } from './declared-variables.ts';
import { regionBelow, type Region } from './deciding.ts';
import type { ListNode, MapEntry, MapNode, Node, ScalarNode } from './yaml.ts';

/** What filling in may add to all texts of a graph, in characters: a short text can name a long value many times. */
const MAX_FILLED = 16 * 1024 * 1024;

const REFERENCE = /(\$?)\$\{([^}]*)(\}?)/g;
const ALONE = /^\$\{([^}]*)\}$/;

export class Variables {
  readonly #variables: ReadonlyMap<string, Variable>;
  readonly #findings: Findings;
  readonly #used = new Set<string>();
  #filled = 0;
  /** Keeps what aliases share shared, in each region. */
  readonly #done = new Map<Region, Map<Node, Node>>();

  constructor(variables: ReadonlyMap<string, Variable>, findings: Findings) {
    this.#variables = variables;
    this.#findings = findings;
  }

  /** Everything but the file's own `vars`: no variable holds another. */
  fillFile(root: MapNode): MapNode {
    if (!root.source.text.includes('${')) return root;
    const entries = new Map(root.entries);
    const vars = entries.get('vars');
    entries.delete('vars');
    const filled = this.#map({ ...root, entries }, 'file');
    if (!vars) return filled;
    return { ...filled, entries: new Map([...filled.entries, ['vars', vars]]) };
  }

  isUsed(name: string): boolean {
    return this.#used.has(name);
  }

  #fill(node: Node, region: Region): Node {
    if (node.kind === 'scalar') return this.#scalar(node, region);
    const known = this.#done.get(region) ?? new Map<Node, Node>();
    this.#done.set(region, known);
    const done = known.get(node);
    if (done) return done;
    const filled = node.kind === 'list' ? this.#list(node, region) : this.#map(node, region);
    known.set(node, filled);
    return filled;
  }

  #list(node: ListNode, region: Region): ListNode {
    const items = node.items.map((item) => this.#fill(item, region));
    return items.every((item, at) => item === node.items[at]) ? node : { ...node, items };
  }

  #map(node: MapNode, region: Region): MapNode {
    let entries: Map<string, MapEntry> | undefined;
    let before = 0;
    for (const [name, entry] of node.entries) {
      const filled = name.startsWith('x-') ? entry : this.#entry(entry, region);
      // Most mappings hold no variable, and are not copied.
      if (filled !== entry) entries ??= new Map([...node.entries].slice(0, before));
      before++;
      const earlier = entries?.get(filled.key.value);
      if (earlier) this.#reportDuplicate(filled.key, earlier.key);
      entries?.set(filled.key.value, filled);
    }
    return entries ? { ...node, entries } : node;
  }

  #entry(entry: MapEntry, region: Region): MapEntry {
    const key = entry.key.value.includes('${') ? this.#key(entry.key) : entry.key;
    const value = this.#fill(entry.value, regionBelow(region, key.value));
    return key === entry.key && value === entry.value ? entry : { key, value };
  }

  #key(key: MapEntry['key']): MapEntry['key'] {
    const value = this.#text(key, key.value, 'key');
    return value === key.value ? key : { ...key, value };
  }

  #scalar(node: ScalarNode, region: Region): ScalarNode {
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node;
    const use = region === 'deciding' ? 'deciding' : 'plain';
    const name = ALONE.exec(node.value)?.[1];
    if (name === undefined) return { ...node, value: this.#text(node, node.value, use) };
    const found = this.#valueOf(name, placeIn(node, 0), use);
    if (!found) return node;
    if (typeof found.value !== 'number') return { ...node, value: found.value };
    return { ...node, value: found.value, written: found.text };
  }

  #text(node: ScalarNode, text: string, use: Use): string {
    return text.replace(REFERENCE, (whole, escape: string, name: string, end: string, at: number) => {
      if (escape) return whole.slice(1);
      const place = placeIn(node, at);
      if (end) return this.#valueOf(name, place, use)?.text ?? whole;
      this.#findings.add(
        'undefined-variable',
        place,
        'A `${` is not closed.',
        'Write ${name}, or $${ where the characters themselves are meant.',
      );
      return whole;
    });
  }

  #valueOf(name: string, place: Place, use: Use): VariableValue | undefined {
    const variable = this.#variables.get(name);
    if (!variable) {
      this.#findings.add(
        'undefined-variable',
        place,
        `No \`vars\` section declares the variable \${${name}}.`,
        didYouMean(name, this.#variables.keys()) || `Add it to \`vars\`: vars: { ${name || 'domain'}: … }.`,
      );
      return undefined;
    }
    this.#used.add(name);
    this.#judgeUse(name, variable, place, use);
    return variable.value && this.#isWithinBounds(variable.value, place) ? variable.value : undefined;
  }

  #judgeUse(name: string, { type, choices }: Variable, place: Place, use: Use): void {
    if (use === 'key' && type !== 'string')
      this.#findings.add(
        'variable-value',
        place,
        `The variable ${name} has the type ${type}, and a key takes only variables of the type string.`,
        'Write the key out, or change the `type` of the variable.',
      );
    else if (use !== 'plain' && !choices)
      this.#findings.add(
        'open-variable',
        place,
        `The variable ${name} decides authority here, and can have any value.`,
        `List its values: vars: { ${name}: { one_of: [A, B], default: A } }.`,
      );
  }

  #isWithinBounds({ text }: VariableValue, place: Place): boolean {
    const before = this.#filled;
    this.#filled += text.length;
    if (this.#filled <= MAX_FILLED) return true;
    if (before <= MAX_FILLED)
      this.#findings.add(
        'file-too-large',
        place,
        `Filled in, the variables of this graph have more than ${MAX_FILLED.toLocaleString('en')} characters.`,
        'Use shorter values.',
      );
    return false;
  }

  #reportDuplicate(key: MapEntry['key'], earlier: Place): void {
    const { line } = earlier.source.locate(earlier.offset);
    this.#findings.add(
      'duplicate-key',
      key,
      `With its variables filled in, the key ${key.value} stands twice in one mapping; first in line ${line}.`,
      'Merge the two, or let the variables differ.',
    );
  }
}

/** What a variable is for: a key, a value that decides authority, or any other value. */
type Use = 'key' | 'deciding' | 'plain';

/** The place of a character of a scalar, quotes counted. */
function placeIn({ source, offset }: ScalarNode, at: number): Place {
  return { source, offset: offset + (/["']/.test(source.text.charAt(offset)) ? 1 : 0) + at };
}
