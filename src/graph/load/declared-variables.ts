/**
 * The variables of a graph: what `vars` declares, what overlays restate, and the values from outside. In: parsed files. Out:
 * each variable with its value of the declared type; a value that does not fit has a finding, and counts as none.
 */
import type { Findings, Place } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { didYouMean } from '../names.ts';
import { plainValue, type MapEntry, type MapNode, type Node, type ScalarNode } from './yaml.ts';

const TYPES = ['string', 'int', 'number', 'boolean'] as const;
type VariableType = (typeof TYPES)[number];

export interface VariableValue {
  /** As it is inserted into a longer text. A number keeps its text: 1.10 stays 1.10, and an id keeps all of its digits. */
  readonly text: string;
  /** What stands for a text that is nothing but the variable. */
  readonly value: string | number | boolean;
}

export interface Variable {
  readonly key: MapEntry['key'];
  readonly type: VariableType;
  /** Absent: it has none, which has a finding. */
  readonly value: VariableValue | undefined;
  /** All that it can be; absent: anything of its type. */
  readonly choices: readonly VariableValue[] | undefined;
}

export interface VariableDeclaration {
  readonly entry: MapEntry;
  /** The value that an overlay gives in place of the default. */
  readonly restated?: ScalarNode;
}

/** By name, as the files declare them under `vars`. */
export function variableDeclarations(roots: readonly MapNode[]): Map<string, VariableDeclaration> {
  const declared = new Map<string, VariableDeclaration>();
  for (const root of roots) {
    const section = root.entries.get('vars')?.value;
    if (section?.kind !== 'map') continue;
    for (const [name, entry] of section.entries)
      if (entry.value.kind !== 'list') declared.set(name, { entry }); // the schema says so
  }
  return declared;
}

/**
 * @param given values from outside, as text.
 * @param start where to point for a value of a variable that nothing declares.
 */
export function resolveVariables(
  declarations: ReadonlyMap<string, VariableDeclaration>,
  given: ReadonlyMap<string, string>,
  start: Place | undefined,
  findings: Findings,
): ReadonlyMap<string, Variable> {
  const resolved = new Map<string, Variable>();
  for (const [name, { entry, restated }] of declarations)
    resolved.set(name, new Declaration(name, entry, findings).resolve(given.get(name), restated));
  for (const name of given.keys()) {
    if (resolved.has(name)) continue;
    findings.add(
      'undefined-variable',
      start,
      `A value is given for ${name} (--var or --vars), which no \`vars\` section declares.`,
      didYouMean(name, resolved.keys()) || 'Declare it under `vars`, or take the value out.',
    );
  }
  return resolved;
}

/** The default of a variable, in either form. */
export function defaultOf({ value }: MapEntry): ScalarNode | undefined {
  return scalarOf(value.kind === 'map' ? value.entries.get('default')?.value : value);
}

class Declaration {
  readonly #name: string;
  readonly #key: MapEntry['key'];
  readonly #findings: Findings;
  readonly #type: VariableType;
  readonly #default: ScalarNode | undefined;
  readonly #choices: readonly VariableValue[] | undefined;
  readonly #isRequired: boolean;

  constructor(name: string, { key, value }: MapEntry, findings: Findings) {
    this.#name = name;
    this.#key = key;
    this.#findings = findings;
    const long = value.kind === 'map' ? value.entries : undefined;
    const first = defaultOf({ key, value });
    const named = scalarOf(long?.get('type')?.value)?.value;
    this.#default = first;
    this.#type = TYPES.find((type) => type === named) ?? typeOf(first?.value);
    this.#isRequired = scalarOf(long?.get('required')?.value)?.value === true;
    this.#choices = this.#readChoices(long?.get('one_of')?.value);
  }

  resolve(given: string | undefined, restated: ScalarNode | undefined): Variable {
    const own = this.#default && this.#readDefault(this.#default);
    const layered = restated ? this.#read(textOf(restated), restated, 'The value in an overlay of') : own;
    const value = given === undefined ? layered : this.#read(given, this.#key, 'The value given for');
    if (given === undefined && !this.#default && !restated) this.#reportNone();
    if (!value) this.#findings.markMisread(pointerTo('vars'));
    return { key: this.#key, type: this.#type, value, choices: this.#choices };
  }

  #readDefault(at: ScalarNode): VariableValue | undefined {
    if (this.#isRequired)
      this.#findings.add(
        'invalid-value',
        at,
        `The variable ${this.#name} is required, so its default is never used.`,
        'Remove `default` or `required`.',
      );
    return this.#read(textOf(at), at, 'The default of');
  }

  #readChoices(list: Node | undefined): readonly VariableValue[] | undefined {
    if (list?.kind === 'list')
      return list.items.flatMap((item) => {
        const at = scalarOf(item);
        return (at && this.#typed(textOf(at), at, 'A value in `one_of` of')) ?? [];
      });
    return this.#type === 'boolean'
      ? [false, true].map((value) => ({ text: String(value), value }))
      : undefined;
  }

  #read(text: string, at: Place, what: string): VariableValue | undefined {
    const typed = this.#typed(text, at, what);
    if (!typed || !this.#choices || this.#choices.some(({ value }) => value === typed.value)) return typed;
    const choices = this.#choices.map((choice) => choice.text).join(', ');
    this.#findings.add(
      'variable-value',
      at,
      `${what} the variable ${this.#name} is ${JSON.stringify(text)}, which is not in its \`one_of\`.`,
      `One of: ${choices}.`,
    );
    return undefined;
  }

  #typed(text: string, at: Place, what: string): VariableValue | undefined {
    if (text.includes('${')) {
      this.#findings.add(
        'invalid-value',
        at,
        `${what} the variable ${this.#name} contains \`\${\`: a variable cannot hold another one.`,
        'Write the value out.',
      );
      return undefined;
    }
    if (this.#type === 'string') return { text, value: text };
    const value = plainValue(text);
    if (value !== null && fits(value, this.#type)) return { text, value };
    this.#findings.add(
      'variable-value',
      at,
      `${what} the variable ${this.#name} is ${JSON.stringify(text)}, but its type is ${this.#type}.`,
      this.#type === 'boolean' ? 'Write true or false.' : 'Write a number, or change the `type`.',
    );
    return undefined;
  }

  #reportNone(): void {
    this.#findings.add(
      'required-variable',
      this.#key,
      `The variable ${this.#name} has no value.`,
      `Give one, as in --var ${this.#name}=VALUE, or in a file with --vars FILE.`,
    );
  }
}

function scalarOf(node: Node | undefined): ScalarNode | undefined {
  return node?.kind === 'scalar' ? node : undefined;
}

export function textOf({ written, value }: ScalarNode): string {
  return written ?? String(value);
}

function typeOf(value: ScalarNode['value'] | undefined): VariableType {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value !== 'number') return 'string';
  return Number.isInteger(value) ? 'int' : 'number';
}

function fits(value: string | number | boolean, type: VariableType): boolean {
  if (type === 'boolean') return typeof value === 'boolean';
  return type === 'int' ? Number.isInteger(value) : Number.isFinite(value);
}
