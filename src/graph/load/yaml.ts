/**
 * From one source text to a tree of values that know their places. In: text. Out: one `Node`, aliases shared and
 * not copied, bounded in depth and in what its aliases unfold to, or nothing and a finding.
 */
import {
  EVENT_ID,
  NOT_RESOLVED,
  SCALAR_STYLE,
  YAMLException,
  boolCoreTag,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  nullCoreTag,
  parseEvents,
} from 'js-yaml';
import { getOrAdd } from '../../get-or-add.ts';
import type { Findings, Place, SourceText } from '../finding.ts';

type Event = ReturnType<typeof parseEvents>[number];
type AnchoredEvent = Extract<Event, { tagStart: number }>;

export const MAX_DEPTH = 64;
/** A file of 10,000 services with 100,000 calls has about half a million. */
export const MAX_VALUES = 2_000_000;
const MAX_NAME = 64;
/** How many values all aliases of a file may add when they are unfolded. */
export const MAX_ALIASED = 100_000;

export type Scalar = string | number | boolean | null;

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly value: Scalar;
  /** The text of a number in the file, which may be more precise than a JavaScript number. */
  readonly written?: string;
}
export interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly Node[];
}
export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
}
/** The key's own place and its value. */
export interface MapEntry {
  readonly key: ScalarNode & { readonly value: string };
  readonly value: Node;
}
export type Node = ScalarNode | ListNode | MapNode;

/** A collection whose end has not been reached. */
interface Open {
  readonly node: { kind: 'list'; items: Node[] } | { kind: 'map'; entries: Map<string, MapEntry> };
  readonly place: Place;
  readonly anchor: string | undefined;
  key: MapEntry['key'] | undefined;
  /** Values below, aliases unfolded. */
  size: number;
}

/** Thrown inside this file only: the first thing wrong ends the reading of a file. */
class Refused extends Error {}

/** @param names one string for each name, however often the files write it: what looks them up then compares nothing. */
export function parseYaml(
  source: SourceText,
  findings: Findings,
  names = new Map<string, string>(),
): Node | undefined {
  try {
    return new Builder(source, findings, names).build(events(source, findings));
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function events(source: SourceText, findings: Findings): readonly Event[] {
  try {
    return parseEvents(source.text, { filename: source.file, maxDepth: MAX_DEPTH });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const place = { source, offset: error.mark?.position ?? 0 };
    if (/depth/i.test(error.reason)) {
      findings.add(
        'yaml-depth',
        place,
        `The YAML is nested more than ${MAX_DEPTH} levels deep.`,
        'A graph needs nine levels.',
      );
    } else {
      findings.add(
        'yaml-syntax',
        place,
        `This is not YAML: ${error.reason}.`,
        syntaxHint(source, place.offset),
      );
    }
    throw new Refused();
  }
}

/** Characters of a line to examine before and after the fault: a file may be one long line. */
const HINT_BEFORE = 400;
const HINT_AFTER = 80;

/** The two mistakes that people make most, both invisible in a parser's words. */
function syntaxHint(source: SourceText, offset: number): string {
  const start = source.text.lastIndexOf('\n', offset - 1) + 1;
  const excerpt = source.text.slice(Math.max(start, offset - HINT_BEFORE), offset + HINT_AFTER);
  const [line = ''] = excerpt.split('\n', 1);
  if (/^\s*\t/.test(line)) return 'Indent with spaces; YAML does not take tabs.';
  if (/\{[^{}"']*\$\{/.test(line)) return 'Put quotes around a value with ${…} inside { }.';
  return 'Look at the indentation and the brackets of this line and the one before.';
}

class Builder {
  readonly #source: SourceText;
  readonly #findings: Findings;
  readonly #names: Map<string, string>;
  readonly #open: Open[] = [];
  readonly #anchors = new Map<string, { node: Node; size: number } | 'open'>();
  #aliased = 0;
  #root: Node | undefined;
  #values = 0;
  #documents = 0;
  /** Where the last value was: an absent one has no place of its own. */
  #last = 0;

  constructor(source: SourceText, findings: Findings, names: Map<string, string>) {
    this.#source = source;
    this.#findings = findings;
    this.#names = names;
  }

  build(all: readonly Event[]): Node | undefined {
    for (const event of all) this.#take(event);
    const root = this.#root;
    if (root === undefined || (root.kind === 'scalar' && root.value === null)) {
      this.#refuse('empty-file', 0, 'This file is empty.', 'A graph file begins with `waybill: 1`.');
    }
    return root;
  }

  #take(event: Event): void {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        if (++this.#documents > 1) {
          this.#refuse(
            'several-documents',
            nextDocument(this.#source.text, this.#last),
            'This file holds several YAML documents.',
            'Give each its own file, in one folder.',
          );
        }
        return;
      case EVENT_ID.SCALAR:
        return this.#scalar(event);
      case EVENT_ID.ALIAS:
        return this.#alias(event);
      case EVENT_ID.SEQUENCE:
        return this.#enter({ kind: 'list', items: [] }, event);
      case EVENT_ID.MAPPING:
        return this.#enter({ kind: 'map', entries: new Map() }, event);
      case EVENT_ID.POP:
        return this.#leave();
    }
  }

  #scalar(event: Extract<Event, { type: typeof EVENT_ID.SCALAR }>): void {
    this.#refuseTag(event);
    const text = this.#named(getScalarValue(this.#source.text, event));
    const plain = event.style === SCALAR_STYLE.PLAIN;
    const isKey = this.#expectsKey();
    const value = plain && !isKey ? plainValue(text) : text;
    const quotes = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    if (event.valueStart >= 0) this.#last = event.valueStart - (quotes ? 1 : 0);
    const scalar: ScalarNode = { kind: 'scalar', value, source: this.#source, offset: this.#last };
    const node = typeof value === 'number' ? { ...scalar, written: text } : scalar;
    const anchor = this.#anchor(event);
    if (anchor !== undefined) this.#anchors.set(anchor, { node, size: 1 });
    this.#put(node, 1);
  }

  #named(text: string): string {
    return text.length > MAX_NAME ? text : getOrAdd(this.#names, text, () => text);
  }

  #alias(event: Extract<Event, { type: typeof EVENT_ID.ALIAS }>): void {
    this.#last = event.anchorStart;
    const name = this.#source.text.slice(event.anchorStart, event.anchorEnd);
    const target = this.#anchors.get(name);
    if (target === undefined) {
      return this.#refuse(
        'yaml-syntax',
        event.anchorStart,
        `There is no anchor &${name} before this alias.`,
        'Define the anchor first.',
      );
    }
    if (target === 'open') {
      return this.#refuse(
        'alias-limit',
        event.anchorStart,
        `The alias *${name} stands inside its own anchor.`,
        'Take it out; a graph cannot contain itself.',
      );
    }
    this.#aliased += target.size;
    if (this.#aliased > MAX_ALIASED) {
      return this.#refuse(
        'alias-limit',
        event.anchorStart,
        `Unfolded, the aliases of this file stand for more than ${MAX_ALIASED.toLocaleString('en')} values.`,
        'Write the values out, or share less.',
      );
    }
    this.#put(target.node, target.size);
  }

  #enter(node: Open['node'], event: AnchoredEvent & { start: number }): void {
    this.#last = event.start;
    this.#refuseTag(event);
    if (this.#expectsKey()) {
      this.#refuse(
        'yaml-syntax',
        event.start,
        'A key must be plain text.',
        'Did you forget quotes around a value with { or [?',
      );
    }
    const anchor = this.#anchor(event);
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    this.#open.push({
      node,
      place: { source: this.#source, offset: event.start },
      anchor,
      key: undefined,
      size: 1,
    });
  }

  #leave(): void {
    const done = this.#open.pop();
    if (done === undefined) return; // the end of the document
    const { source, offset } = done.place;
    const node: Node =
      done.node.kind === 'list'
        ? { kind: 'list', items: done.node.items.slice(), source, offset } // without the room that growing leaves
        : { kind: 'map', entries: done.node.entries, source, offset };
    if (done.anchor !== undefined) this.#anchors.set(done.anchor, { node, size: done.size });
    this.#put(node, done.size);
  }

  #put(node: Node, size: number): void {
    if (++this.#values > MAX_VALUES) {
      this.#refuse(
        'file-too-large',
        node.offset,
        `This file has more than ${MAX_VALUES.toLocaleString('en')} values.`,
        'Is this really a graph? Split a large one into a folder of files.',
      );
    }
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      this.#root = node;
      return;
    }
    parent.size += size;
    if (parent.node.kind === 'list') parent.node.items.push(node);
    else if (parent.key === undefined) parent.key = this.#key(node, parent.node.entries);
    else {
      parent.node.entries.set(parent.key.value, { key: parent.key, value: node });
      parent.key = undefined;
    }
  }

  #key(node: Node, entries: ReadonlyMap<string, MapEntry>): MapEntry['key'] {
    if (node.kind !== 'scalar') {
      return this.#refuse('yaml-syntax', node.offset, 'A key must be plain text.', 'Put quotes around it.');
    }
    const value = String(node.value);
    if (value === '<<') {
      this.#refuse(
        'yaml-merge-key',
        node.offset,
        'The merge key `<<` is not part of the graph language.',
        'Use an alias for the whole value, or `defaults`.',
      );
    }
    const earlier = entries.get(value);
    if (earlier) {
      const { line } = this.#source.locate(earlier.key.offset);
      this.#findings.add(
        'duplicate-key',
        node,
        `The key ${value} stands twice in one mapping; first in line ${line}.`,
        'Merge the two, or rename one.',
      );
    }
    return typeof node.value === 'string' ? (node as MapEntry['key']) : { ...node, value };
  }

  #expectsKey(): boolean {
    const parent = this.#open.at(-1);
    return parent !== undefined && parent.node.kind === 'map' && parent.key === undefined;
  }

  #anchor(event: AnchoredEvent): string | undefined {
    return event.anchorStart < 0 ? undefined : this.#source.text.slice(event.anchorStart, event.anchorEnd);
  }

  #refuseTag(event: AnchoredEvent): void {
    if (event.tagStart < 0) return;
    const tag = this.#source.text.slice(event.tagStart, event.tagEnd);
    this.#refuse(
      'yaml-tag',
      event.tagStart,
      `The YAML tag ${tag} is not part of the graph language.`,
      'Take it out; quotes make a text of a value.',
    );
  }

  #refuse(code: Parameters<Findings['add']>[0], offset: number, message: string, hint: string): never {
    this.#findings.add(code, { source: this.#source, offset }, message, hint);
    throw new Refused();
  }
}

/** Where the document begins that follows the value at this place. */
function nextDocument(text: string, after: number): number {
  const mark = /^---/gm;
  mark.lastIndex = after;
  return mark.exec(text)?.index ?? after;
}

const PLAIN_TAGS = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag];

/** YAML 1.2 core schema: null, true, 12, 1.5; everything else is text. */
export function plainValue(text: string): Scalar {
  const first = text.charAt(0);
  for (const tag of PLAIN_TAGS) {
    if (tag.implicitFirstChars !== null && !tag.implicitFirstChars.includes(first)) continue;
    const value = tag.resolve(text, false, tag.tagName) as Scalar | typeof NOT_RESOLVED;
    if (value !== NOT_RESOLVED) return value;
  }
  return NUMBER.test(text) ? Number(text) : text;
}

/** A number of the core schema. The parser reads one beyond all doubles, such as 1e400, as a text; here it is infinite. */
const NUMBER = /^(?:[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|0x[\dA-Fa-f]+|0o[0-7]+)$/;
