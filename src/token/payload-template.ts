/**
 * A payload with everything in it that is the same each time already written; what varies is filled in. What comes out
 * is what `JSON.stringify(payloadOf(…))` writes, byte for byte.
 *
 * Texts are JSON, one character for each byte of its UTF-8 (latin1), as in `packed/node.ts`: they go into a buffer as
 * they are, and an embedded token is not looked at again.
 */
import { latin1 } from './packed/nested.ts';
import { payloadOf, type PayloadValues } from './payload.ts';

/** The parts that are the same for every subject. */
export interface TemplateParts extends Pick<PayloadValues, 'iss' | 'aud' | 'scope' | 'onDemand'> {
  /** As in a payload; `varies` where tokens of this shape differ in who acted before the presenter. */
  readonly act: PayloadValues['act'] | 'varies';
  /** Names of the tailored claims, in the order of their declaration. */
  readonly claims: readonly string[];
  /** The callees whose tokens it embeds. */
  readonly callees: readonly string[];
}

/** What varies, each a JSON text as `jsonText` writes it. */
export interface TemplateValues {
  readonly sub: string;
  readonly clientId: string;
  readonly iat: string;
  readonly exp: string;
  readonly jti: string;
  readonly txn: string;
  readonly cnf: string | undefined;
  /** Of a template whose `act` varies. */
  readonly act: string | undefined;
  readonly held: string | undefined;
  /** In the order of the template; undefined: the claim is left out. */
  readonly claims: readonly (string | undefined)[];
}

export interface TemplateMembers {
  /** Names as JSON without quotes, `embedded` not among them. */
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** Counted from the beginning of the text. */
export interface TemplatePositions {
  readonly slots: ReadonlyMap<Slot, { readonly start: number; readonly end: number }>;
  /** In the order of the callees. */
  readonly tokens: readonly number[];
}

export type Slot = Exclude<keyof TemplateValues, 'claims'> | number;

/** A member: fixed, or a slot to be filled in. */
interface Member {
  /** As JSON without quotes. */
  readonly name: string;
  readonly fixed: string | undefined;
  readonly slot: Slot | undefined;
}

/** A slot in the text: what stands before it, with the name of its own member and without. */
interface Gap {
  readonly slot: Slot;
  readonly named: string;
  readonly unnamed: string;
}

const SLOTS: ReadonlyMap<string, Slot> = new Map<string, Slot>([
  ['client_id', 'clientId'],
  ...(['sub', 'iat', 'exp', 'jti', 'txn', 'cnf', 'held'] as const).map((name) => [name, name] as const),
]);
const SLOTS_WITH_ACT: ReadonlyMap<string, Slot> = new Map<string, Slot>([...SLOTS, ['act', 'act']]);

export class PayloadTemplate {
  /** The order of the callees in `embedded`, as indexes of `callees`. */
  readonly embedding: readonly number[];
  readonly #members: readonly Member[];
  readonly #names: readonly string[];
  /** Otherwise the first member may be left out, and the text first begins with a comma. */
  readonly #beginsFixed: boolean;
  readonly #gaps: readonly Gap[];
  /** Fixed members behind the last gap. */
  readonly #tail: string;
  /** What stands before each embedded token. */
  readonly #openings: readonly string[];

  private constructor(members: readonly Member[], embedding: readonly number[], openings: readonly string[]) {
    this.#members = members;
    this.#names = members.map(({ name }) => name);
    this.#beginsFixed = members[0]?.fixed !== undefined;
    [this.#gaps, this.#tail] = gapsOf(members);
    this.embedding = embedding;
    this.#openings = openings;
  }

  static compile(parts: TemplateParts): PayloadTemplate {
    const { callees } = parts;
    const named = Object.keys(Object.fromEntries(callees.map((callee) => [callee, 0])));
    const openings = named.map(
      (callee, place) => `${place === 0 ? ',"embedded":{' : '",'}${jsonText(callee)}:"`,
    );
    const embedding = named.map((callee) => callees.indexOf(callee));
    return new PayloadTemplate(membersOf(parts), embedding, openings);
  }

  /** @param embedded tokens, in the order of the callees. */
  text(values: TemplateValues, embedded: readonly { readonly nested: string }[]): string {
    let text = '';
    for (const { slot, named, unnamed } of this.#gaps) {
      const value = valueAt(values, slot);
      text += value === undefined ? unnamed : named + value;
    }
    text += this.#tail;
    for (let i = 0; i < this.#openings.length; i += 1) {
      text += this.#openings[i]! + embedded[this.embedding[i]!]!.nested;
    }
    text += this.#openings.length === 0 ? '}' : '"}}';
    return this.#beginsFixed ? text : `{${text.slice(1)}`;
  }

  /** Where in the text of these values each of them stands, and each token that is embedded. */
  places(values: TemplateValues, embedded: readonly { readonly nested: string }[]): TemplatePositions {
    const slots = new Map<Slot, { start: number; end: number }>();
    let length = 0;
    for (const { slot, named, unnamed } of this.#gaps) {
      const value = valueAt(values, slot);
      length += (value === undefined ? unnamed : named).length;
      if (value !== undefined) slots.set(slot, { start: length, end: length + value.length });
      length += value?.length ?? 0;
    }
    length += this.#tail.length;
    const tokens: number[] = [];
    this.embedding.forEach((index, place) => {
      length += this.#openings[place]!.length;
      tokens[index] = length;
      length += embedded[index]!.nested.length;
    });
    return { slots, tokens };
  }

  /** The members one by one, for what codes them by themselves. */
  members(values: TemplateValues): TemplateMembers {
    const texts = this.#members.map(({ fixed, slot }) =>
      slot === undefined ? fixed : valueAt(values, slot),
    );
    // Most of the time none is left out, and all tokens of a template share one list of names.
    if (!texts.includes(undefined)) return { names: this.#names, values: texts as string[] };
    return {
      names: this.#names.filter((_, index) => texts[index] !== undefined),
      values: texts.filter((text) => text !== undefined),
    };
  }
}

/** `payloadOf` says which members there can be, and in which order: a name like `7` comes first in any object. */
function membersOf({ claims, act, ...parts }: TemplateParts): Member[] {
  const varying = { sub: '', clientId: '', iat: 0, exp: 0, jti: '', txn: '', held: '' };
  const cnf = act === undefined ? { jkt: '' } : undefined;
  const [actor, slots] = act === 'varies' ? [{ sub: '' }, SLOTS_WITH_ACT] : [act, SLOTS];
  const noClaims = claims.map((name) => [name, null] as const);
  const payload = payloadOf({ ...parts, ...varying, act: actor, cnf, claims: noClaims }, []);
  return Object.entries(payload).map(([member, value]) => {
    // No claim has the name of a member that the issuer writes itself.
    const claim = claims.indexOf(member);
    const slot = claim < 0 ? slots.get(member) : claim;
    const fixed = slot === undefined ? jsonText(value) : undefined;
    return { name: jsonText(member).slice(1, -1), fixed, slot };
  });
}

/** @returns the gaps, and what is fixed behind the last one. */
function gapsOf(members: readonly Member[]): [Gap[], string] {
  const gaps: Gap[] = [];
  let unnamed = '';
  members.forEach(({ name, fixed, slot }, index) => {
    const named = `${unnamed}${index === 0 && fixed !== undefined ? '{' : ','}"${name}":`;
    if (slot !== undefined) gaps.push({ slot, named, unnamed });
    unnamed = fixed === undefined ? '' : named + fixed;
  });
  return [gaps, unnamed];
}

/** A value as JSON, one character for each byte. */
export function jsonText(value: unknown): string {
  return latin1(JSON.stringify(value));
}

function valueAt(values: TemplateValues, slot: Slot): string | undefined {
  return typeof slot === 'number' ? values.claims[slot] : values[slot];
}
