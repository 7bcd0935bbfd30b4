/** The section "Predictions" of `schemas/packed.md`, written from the page. */

export interface Token {
  name: string;
  readonly parent: Token | undefined;
  readonly names: readonly string[];
  readonly values: string[];
  sibling: string | undefined;
}

/** Of the page: 1.0 had no lineages. */
export type Revision = '1.0' | '1.1';

type Value = string | undefined;

const URL = /^("[a-z]+:\/\/)([^./:"]*)((?:[./:"].*)?)$/s;

function known(token: Token | undefined, member: string): Value {
  return token && token.names.includes(member) ? token.values[token.names.indexOf(member)] : undefined;
}

function isUrl(value: Value): { scheme: string; label: string; rest: string } | undefined {
  const found = value === undefined ? null : URL.exec(value);
  return found ? { scheme: found[1]!, label: found[2]!, rest: found[3]! } : undefined;
}

function countedOn(value: Value, by: number): Value {
  const found = /^(.*\.)([0-9]{1,9})"$/s.exec(value ?? '');
  return found ? `${found[1]!}${Number(found[2]) + by}"` : undefined;
}

/** Choice 4. */
export function counted(token: Token, member: string, n: number): Value {
  if (member === 'jti') return countedOn(known(token.parent, 'jti'), n + 1);
  const iat = known(token, 'iat');
  if (member !== 'exp' || iat === undefined || !/^(0|[1-9][0-9]{0,13})$/.test(iat)) return undefined;
  return String(Number(iat) + n);
}

function inPlaceOf(value: Value, at: (value: string) => number, old: string, name: string): Value {
  if (value === undefined || old === '') return undefined;
  const place = at(value);
  return place < 0 ? undefined : value.slice(0, place) + name + value.slice(place + old.length);
}

function likeThatOf(token: Token, name: string): Value {
  const behind = (aud: string): number => (aud.includes('://') ? aud.indexOf('://') + 3 : 0);
  return inPlaceOf(known(token, 'aud'), (aud) => aud.indexOf(token.name, behind(aud)), token.name, name);
}

export function audiencesBelow(token: Token, name: string): string[] {
  let root = token;
  while (root.parent) root = root.parent;
  const audiences = [likeThatOf(token, name), token.parent && likeThatOf(root, name), `"${name}"`];
  return audiences.filter((value) => value !== undefined);
}

export function likeTheIssuer(root: Token, name: string): string {
  const url = isUrl(known(root, 'iss'));
  return url ? url.scheme + name + url.rest : `"${name}"`;
}

function actors(token: Token): Value[] {
  const url = isUrl(known(token, 'aud'));
  const above = token.parent?.name ?? '';
  return [
    inPlaceOf(known(token, 'act'), (act) => act.lastIndexOf(above), above, token.name),
    url && `{"sub":"spiffe://${/^\.?([^/:"]*)/.exec(url.rest)![1]!}/${token.name}"}`,
    `{"sub":"${token.name}"}`,
  ];
}

function lineages(token: Token): Value[] {
  const own = known(token, 'act');
  const client = known(token, 'client_id');
  const before = own ?? (client === undefined ? undefined : `{"sub":${client}}`);
  if (before === undefined) return [];
  const above = token.parent?.name ?? '';
  const nearest = own?.startsWith('{"sub":"') ? own.slice(8).split('"', 1)[0] : undefined;
  const url = isUrl(known(token, 'aud'));
  const who = [
    inPlaceOf(nearest, (text) => text.lastIndexOf(above), above, token.name),
    url && `spiffe://${/^\.?([^/:"]*)/.exec(url.rest)![1]!}/${token.name}`,
    token.name,
  ];
  return who.map((name) => (name === undefined ? undefined : `{"sub":"${name}","act":${before}}`));
}

export class Predictor {
  readonly #hasLineages: boolean;
  readonly #last = new Map<string, string>();
  readonly #scopes = new Map<string, string>();
  #lastId: Value;

  constructor(revision: Revision) {
    this.#hasLineages = revision === '1.1';
  }

  predict(token: Token, member: string): string[] {
    return this.#all(token, member).filter((value) => value !== undefined);
  }

  #all(token: Token, member: string): Value[] {
    const { parent, name } = token;
    const parents = known(parent, member);
    if (member === 'aud') return parent ? audiencesBelow(parent, name) : [];
    if (member === 'act' && parent)
      return [parent.sibling, ...actors(parent), ...(this.#hasLineages ? lineages(parent) : [])];
    if (member === 'act') return [];
    if (member === 'jti') return [countedOn(this.#lastId, 1)];
    if (member === 'txn') return [parents, known(token, 'jti')?.replace(/^([^.]*)\..*$/s, '$1"')];
    if (member === 'client_id') return [parents, known(token, 'sub')];
    if (member === 'scope') return [this.#scopes.get(name), parents];
    return [parents, this.#last.get(member)];
  }

  learn(token: Token, member: string, value: string, first: boolean): void {
    token.values.push(value);
    if (!first) this.#last.set(member, value);
    if (member === 'jti') this.#lastId = value;
    if (member === 'scope') this.#scopes.set(token.name, value);
    if (member === 'act' && token.parent) token.parent.sibling = value;
    if (member !== 'aud' || token.parent) return;
    token.name = isUrl(value)?.label ?? (value.startsWith('"') ? value.slice(1, -1) : '');
  }
}
