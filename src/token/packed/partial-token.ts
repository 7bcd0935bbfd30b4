/**
 * The known parts of a token while a bundle is read or written: its name, its parent, its values so far, and the predictions
 * for its children that follow from them. The predictions are the same for all children of a parent, so they are computed once
 * per parent: otherwise a few bytes with many children would cost the work of a long text for each of them.
 */

import { firstIndexOf, lastIndexOf } from './linear-search.ts';
import { countSteps } from './work.ts';

/** Names of members. Their positions are indexed on first use. */
export interface Members {
  readonly names: readonly string[];
  places?: ReadonlyMap<string, number> | undefined;
}

/** A token as far as its members are known. */
export class PartialToken {
  /** The callee's name; for the root, the name in its `aud`, and empty before that is read. */
  name: string;
  readonly parent: PartialToken | undefined;
  /** The token itself where it has no parent. */
  readonly root: PartialToken;
  readonly members: Members;
  /** The values come one by one. */
  readonly values: string[] = [];
  /** `act` of the last child that has one. */
  childAct: string | undefined = undefined;
  // Each of these is undefined until first use, and null if the values do not give it.
  /** From its `aud`: the form of its children's `aud`. */
  audience: Template | null | undefined = undefined;
  /** From its `iss`: the form of its own `aud`. */
  issuer: Template | null | undefined = undefined;
  /** Its name as an actor, formed like that of its own actor. */
  ownActor: string | null | undefined = undefined;
  /** Its name as an actor, as a SPIFFE ID in the domain of its `aud`. */
  spiffeActor: string | null | undefined = undefined;
  /** Its name as an actor in front of its own actors, for each form that the name can have. */
  lineages: readonly string[] | undefined = undefined;

  constructor(name: string, parent: PartialToken | undefined, members: Members) {
    this.name = name;
    this.parent = parent;
    this.root = parent === undefined ? this : parent.root;
    this.members = members;
  }
}

/** Text around a name. */
export interface Template {
  readonly before: string;
  readonly after: string;
}

/** Usual positions of claims, which are tried first. */
const PLACE = { iss: 0, aud: 1, sub: 2, client_id: 3, iat: 5, jti: 7, act: 9 } as const;

/** The value of a claim; undefined where it has none yet. */
export function valueOf(token: PartialToken | undefined, claim: keyof typeof PLACE): string | undefined {
  return valueAt(token, PLACE[claim], claim);
}

/** The same for a member that is usually at the same position as in another token. */
export function valueAt(token: PartialToken | undefined, index: number, member: string): string | undefined {
  if (token === undefined) return undefined;
  countSteps(member.length);
  if (token.members.names[index] === member) return token.values[index];
  const at = placeOf(token.members, member);
  return at === undefined ? undefined : token.values[at];
}

/** Found by hash: names that begin alike would otherwise be compared with one another, each with each. */
function placeOf(members: Members, member: string): number | undefined {
  members.places ??= placesOf(members.names);
  countSteps(member.length);
  return members.places.get(member);
}

export function placesOf(names: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  for (let at = 0; at < names.length; at += 1) places.set(names[at]!, at);
  return places;
}

/** A URL as a JSON string: scheme, first label of the host, all the rest with the closing quote. */
const URL_TEXT = /^("[a-z]+:\/\/)([^./:"]*)((?:[./:"].*)?)$/s;

/** The text around the name in a token's audience; the audiences of its children usually have the same. */
export function aroundName(token: PartialToken): Template | null {
  if (token.audience !== undefined) return token.audience;
  const value = valueOf(token, 'aud');
  if (value === undefined) return null;
  // After the scheme, so that a service called `http` is not found there.
  countSteps(value.length);
  const scheme = value.indexOf('://');
  const at = firstIndexOf(value, token.name, scheme < 0 ? 0 : scheme + 3);
  token.audience = around(value, token.name, at);
  return token.audience;
}

/** The text around the name in a root's audience if it is formed like its issuer: services are often its siblings. */
export function aroundIssuersName(root: PartialToken): Template | null {
  if (root.issuer !== undefined) return root.issuer;
  const value = valueOf(root, 'iss');
  if (value === undefined) return null;
  root.issuer = aroundLabel(value);
  return root.issuer;
}

/** The name of a token as an actor, formed like that of its own actor. */
export function likeOwnActor(token: PartialToken): string | null {
  if (token.ownActor !== undefined) return token.ownActor;
  const own = valueOf(token, 'act');
  const caller = token.parent?.name ?? '';
  const template = own === undefined ? null : around(own, caller, lastIndexOf(own, caller));
  token.ownActor = template && filled(template, token.name);
  return token.ownActor;
}

/** The name of a token as an actor, as a SPIFFE ID in the domain of its audience. */
export function spiffeActor(token: PartialToken): string | null {
  if (token.spiffeActor !== undefined) return token.spiffeActor;
  const value = valueOf(token, 'aud');
  const rest = value === undefined ? undefined : aroundLabel(value)?.after;
  const domain = rest === undefined ? undefined : hostIn(rest.startsWith('.') ? rest.slice(1) : rest);
  token.spiffeActor = domain === undefined ? null : `{"sub":"spiffe://${domain}/${token.name}"}`;
  countSteps(3 * (value?.length ?? 0) + token.name.length);
  return token.spiffeActor;
}

/** Not `split`, which copies a regular expression each time. */
function hostIn(text: string): string {
  const end = text.search(/[/:"]/);
  return end < 0 ? text : text.slice(0, end);
}

const OPENING = '{"sub":"';

/** The name of a token as an actor, in front of its own actors or else of its client: `act` where the whole chain is kept. */
export function lineagesOf(token: PartialToken): readonly string[] {
  if (token.lineages) return token.lineages;
  const above = valueOf(token, 'act') ?? clientAsActor(token);
  const names = above === undefined ? [] : [nameLikeOwn(token), spiffeName(token), token.name];
  token.lineages = names.flatMap((name) =>
    name === undefined ? [] : [`${OPENING}${name}","act":${above}}`],
  );
  for (const lineage of token.lineages) countSteps(lineage.length);
  return token.lineages;
}

function clientAsActor(token: PartialToken): string | undefined {
  const client = valueOf(token, 'client_id');
  return client && `{"sub":${client}}`;
}

/** Formed like the name of its own actor. */
function nameLikeOwn(token: PartialToken): string | undefined {
  const own = valueOf(token, 'act');
  if (!own?.startsWith(OPENING)) return undefined;
  const quote = own.indexOf('"', OPENING.length);
  const name = own.slice(OPENING.length, quote < 0 ? own.length : quote);
  countSteps(name.length);
  const caller = token.parent?.name ?? '';
  const template = around(name, caller, lastIndexOf(name, caller));
  return template ? filled(template, token.name) : undefined;
}

function spiffeName(token: PartialToken): string | undefined {
  return spiffeActor(token)?.slice(OPENING.length, -'"}'.length);
}

function aroundLabel(url: string): Template | null {
  countSteps(2 * url.length);
  const [, before, , after] = URL_TEXT.exec(url) ?? [];
  return before === undefined || after === undefined ? null : { before, after };
}

/** The root's own name is not in the bundle: it is the first label of its audience, or all of it. */
export function labelOf(audience: string): string {
  countSteps(2 * audience.length);
  return URL_TEXT.exec(audience)?.[2] ?? (audience.startsWith('"') ? audience.slice(1, -1) : '');
}

function around(value: string, name: string, at: number): Template | null {
  if (at < 0) return null;
  countSteps(value.length);
  return { before: value.slice(0, at), after: value.slice(at + name.length) };
}

export function filled({ before, after }: Template, name: string): string {
  const text = before + name + after;
  countSteps(text.length);
  return text;
}

/** Whether a template makes this value of the name. */
export function isFilled({ before, after }: Template, name: string, value: string): boolean {
  return (
    value.length === before.length + name.length + after.length &&
    value.startsWith(before) &&
    value.endsWith(after) &&
    value.startsWith(name, before.length)
  );
}
