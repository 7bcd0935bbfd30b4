/**
 * What a member of a payload will probably say, from the tokens before it in pre-order (`schemas/packed.md`,
 * "Guesses"). Writer and reader ask the same questions in the same order and tell what was true, so both know the
 * same at every point. Values are JSON texts, names are JSON without quotes.
 */

import { INTEGER, MAX_GUESSES } from './literals.ts';

/** A token as far as its members are known. */
export interface Known {
  /** The callee's name; of the root, what its `aud` gives away, and empty before. */
  name: string;
  readonly parent: Known | undefined;
  /** Its members; the values come one by one. */
  readonly members: readonly string[];
  readonly values: string[];
  /** `act` of the child before. */
  childAct: string | undefined;
}

export function unknownToken(name: string, parent: Known | undefined, members: readonly string[]): Known {
  return { name, parent, members, values: [], childAct: undefined };
}

/** The value of a member; undefined where it has none yet. */
function valueOf(token: Known | undefined, member: string): string | undefined {
  return token?.values[token.members.indexOf(member)];
}

/** Text around a name. */
interface Template {
  readonly before: string;
  readonly after: string;
}

const BARE_AUDIENCE: Template = { before: '"', after: '"' };
const BARE_ACTOR: Template = { before: '{"sub":"', after: '"}' };

/** A URL as a JSON string: scheme, first label of the host, all the rest with the closing quote. */
const URL_TEXT = /^("[a-z]+:\/\/)([^./:"]*)(.*)$/s;

/** A number that ends a JSON string. */
const LAST_NUMBER = /^[0-9]{1,9}"$/;

export class Predictions {
  #audiences: readonly Template[] = [BARE_AUDIENCE];
  #actors: readonly Template[] = [BARE_ACTOR];
  /** The last value of each member. */
  readonly #last = new Map<string, string>();
  /** The last scope of each name. */
  readonly #scopes = new Map<string, string>();

  /** The guess of this rank, 0 being the best; undefined where there is none. */
  guess(token: Known, member: string, rank: number): string | undefined {
    switch (member) {
      case 'aud':
        return filled(this.#audiences[rank], token.name);
      case 'act':
        return this.#actor(token, rank);
      case 'jti':
        return rank === 0 ? this.#successor(0) : undefined;
      case 'txn':
        return ranked(rank, valueOf(token.parent, 'txn'), beforeDot(valueOf(token, 'jti')));
      case 'client_id':
        return ranked(rank, valueOf(token.parent, 'client_id'), valueOf(token, 'sub'));
      case 'scope':
        return ranked(rank, this.#scopes.get(token.name), valueOf(token.parent, 'scope'));
      default:
        return ranked(rank, valueOf(token.parent, member), this.#last.get(member));
    }
  }

  /** A value that lies so much behind another: `exp` behind `iat`, `jti` behind its guess. */
  later(token: Known, member: string, offset: number): string | undefined {
    if (member === 'jti') return this.#successor(offset);
    const iat = valueOf(token, 'iat');
    return member === 'exp' && iat !== undefined && INTEGER.test(iat)
      ? String(Number(iat) + offset)
      : undefined;
  }

  /** The audience that this name would have. */
  audience(name: string): string {
    return filled(this.#audiences[0], name) ?? '';
  }

  /** The name that would have this audience; undefined where none would. */
  nameOf(audience: string): string | undefined {
    const { before, after } = this.#audiences[0] ?? BARE_AUDIENCE;
    const fits = audience.startsWith(before) && audience.endsWith(after);
    return fits && audience.length > before.length + after.length
      ? audience.slice(before.length, audience.length - after.length)
      : undefined;
  }

  /** Takes the next value of a token in. @param guessed whether it was the best guess, which teaches less. */
  learn(token: Known, member: string, value: string, guessed: boolean): void {
    const { parent } = token;
    token.values.push(value);
    if (member === 'act' && parent !== undefined) parent.childAct = value;
    if (member === 'jti' || !guessed) this.#last.set(member, value);
    if (member === 'scope') this.#scopes.set(token.name, value);
    if (guessed) return;
    if (member === 'act' && parent !== undefined) this.#actors = inFront(this.#actors, value, parent.name);
    else if (member === 'aud' && parent !== undefined)
      this.#audiences = inFront(this.#audiences, value, token.name);
    else if (member === 'aud') this.#learnRootAudience(token, value);
    else if (member === 'iss' && parent === undefined) this.#learnIssuer(value);
  }

  #actor({ parent }: Known, rank: number): string | undefined {
    const sibling = parent?.childAct;
    if (sibling === undefined) return filled(this.#actors[rank], parent?.name ?? '');
    return rank === 0 ? sibling : filled(this.#actors[rank - 1], parent?.name ?? '');
  }

  /** The last `jti` with the number behind its last dot raised by one and by `offset`. */
  #successor(offset: number): string | undefined {
    const jti = this.#last.get('jti') ?? '';
    const end = jti.lastIndexOf('.') + 1;
    const number = jti.slice(end);
    return end > 0 && LAST_NUMBER.test(number)
      ? `${jti.slice(0, end)}${parseInt(number, 10) + 1 + offset}"`
      : undefined;
  }

  /** Services often stand beside their issuer: `https://tokens.shop.example`, `https://cart.shop.example`. */
  #learnIssuer(value: string): void {
    const [, before, , after] = URL_TEXT.exec(value) ?? [];
    if (before !== undefined && after !== undefined) this.#audiences = [{ before, after }, BARE_AUDIENCE];
  }

  /** The root's own name is not in the bundle: it is taken for the first label of its audience. */
  #learnRootAudience(token: Known, value: string): void {
    const [, before, label, after] = URL_TEXT.exec(value) ?? [];
    if (before === undefined || label === undefined || after === undefined) {
      token.name = value.startsWith('"') ? value.slice(1, -1) : '';
      return;
    }
    token.name = label;
    this.#audiences = inFront(this.#audiences, value, label, { before, after });
    const [domain = ''] = after.replace(/^\./, '').split(/[/:"]/, 1);
    this.#actors = [{ before: `{"sub":"spiffe://${domain}/`, after: '"}' }, BARE_ACTOR];
  }
}

function filled(template: Template | undefined, name: string): string | undefined {
  return template && template.before + name + template.after;
}

/** Of two guesses those that there are, in order. */
function ranked(rank: number, first: string | undefined, second: string | undefined): string | undefined {
  if (rank === 0) return first ?? second;
  return rank === 1 && first !== undefined ? second : undefined;
}

/**
 * The templates with one in front that gives this value for this name: one of them, else a new one.
 *
 * @param fresh the new one; else the text around the name's last place in the value, if it has one.
 */
function inFront(
  templates: readonly Template[],
  value: string,
  name: string,
  fresh: Template | undefined = around(value, name),
): readonly Template[] {
  const known = templates.find((template) => filled(template, name) === value);
  const first = known ?? fresh;
  if (first === undefined) return templates;
  return [first, ...templates.filter((template) => template !== first)].slice(0, MAX_GUESSES);
}

function around(value: string, name: string): Template | undefined {
  const at = name === '' ? -1 : value.lastIndexOf(name);
  return at < 0 ? undefined : { before: value.slice(0, at), after: value.slice(at + name.length) };
}

/** A JSON string up to its first dot; all of it where there is none. */
function beforeDot(text: string | undefined): string | undefined {
  const dot = text?.indexOf('.') ?? -1;
  return text === undefined || dot < 0 ? text : `${text.slice(0, dot)}"`;
}
