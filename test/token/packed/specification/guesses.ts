/** The section "Guesses" of `schemas/packed.md`, written from the page. */

export interface Token {
  name: string;
  readonly parent: Token | undefined;
  readonly names: readonly string[];
  readonly values: string[];
  sibling: string | undefined;
}

type Template = readonly [before: string, after: string];

const URL = /^("[a-z]+:\/\/)([^./:"]*)(.*)$/s;
const BARE: Template = ['"', '"'];
const BARE_ACTOR: Template = ['{"sub":"', '"}'];

const fill = ([before, after]: Template, name: string): string => before + name + after;

function known(token: Token | undefined, member: string): string | undefined {
  return token && token.names.includes(member) ? token.values[token.names.indexOf(member)] : undefined;
}

export class Guesses {
  readonly #last = new Map<string, string>();
  readonly #scopes = new Map<string, string>();
  #audiences: Template[] = [BARE];
  #actors: Template[] = [BARE_ACTOR];

  of(token: Token, member: string): string[] {
    return this.#all(token, member)
      .filter((guess) => guess !== undefined)
      .slice(0, 4);
  }

  #all(token: Token, member: string): (string | undefined)[] {
    const { parent, name } = token;
    const parents = known(parent, member);
    if (member === 'aud') return this.#audiences.map((template) => fill(template, name));
    if (member === 'act') return [parent?.sibling, ...this.#actors.map((t) => fill(t, parent?.name ?? ''))];
    if (member === 'jti') return [this.later(token, 'jti', 0)];
    if (member === 'txn') return [parents, known(token, 'jti')?.replace(/^([^.]*)\..*$/s, '$1"')];
    if (member === 'client_id') return [parents, known(token, 'sub')];
    if (member === 'scope') return [this.#scopes.get(name), parents];
    return [parents, this.#last.get(member)];
  }

  later(token: Token, member: string, n: number): string | undefined {
    if (member === 'jti') {
      const [, before, digits] = /^(.*\.)([0-9]{1,9})"$/s.exec(this.#last.get('jti') ?? '') ?? [];
      return before === undefined ? undefined : `${before}${Number(digits) + 1 + n}"`;
    }
    const iat = known(token, 'iat');
    if (member !== 'exp' || iat === undefined || !/^(0|[1-9][0-9]{0,13})$/.test(iat)) return undefined;
    return String(Number(iat) + n);
  }

  audience(name: string): string {
    return fill(this.#audiences[0]!, name);
  }

  learn(token: Token, member: string, value: string, first: boolean): void {
    const { parent } = token;
    token.values.push(value);
    if (member === 'act' && parent) parent.sibling = value;
    if (!first || member === 'jti') this.#last.set(member, value);
    if (member === 'scope') this.#scopes.set(token.name, value);
    if (first) return;
    if (member === 'act' && parent) this.#actors = learned(this.#actors, value, parent.name);
    if (member === 'aud' && parent) this.#audiences = learned(this.#audiences, value, token.name);
    if (parent) return;
    const url = URL.exec(value);
    if (member === 'iss' && url) this.#audiences = [[url[1]!, url[3]!], BARE];
    if (member === 'aud') this.#rootAudience(token, value, url);
  }

  #rootAudience(token: Token, value: string, url: RegExpExecArray | null): void {
    if (!url) {
      token.name = value.startsWith('"') ? value.slice(1, -1) : '';
      return;
    }
    const [, scheme = '', label = '', rest = ''] = url;
    token.name = label;
    this.#audiences = learned(this.#audiences, value, label, [scheme, rest]);
    const domain = /^\.?([^/:"]*)/.exec(rest)?.[1] ?? '';
    this.#actors = [[`{"sub":"spiffe://${domain}/`, '"}'], BARE_ACTOR];
  }
}

function learned(list: Template[], value: string, name: string, fresh?: Template): Template[] {
  const known = list.find((template) => fill(template, name) === value);
  const at = name === '' ? -1 : value.lastIndexOf(name);
  const around: Template | undefined =
    at < 0 ? undefined : [value.slice(0, at), value.slice(at + name.length)];
  const front = known ?? fresh ?? around;
  return front ? [front, ...list.filter((template) => template !== front)].slice(0, 4) : list;
}
