/**
 * The chain of a token's actors (RFC 8693 section 4.1): nested `act`, the nearest outermost. It is the path of authority,
 * as the issuer planned it, and no proof that each call was made. Only the outermost decides who may present the token.
 */
import { MAX_ACTORS, MAX_NAMES, type Actor } from '../protocol.ts';
import { isJsonObject } from './json.ts';

/** Whether a value has the shape of `act`, at every depth. Members that are not known are ignored. */
export function isActor(value: unknown): value is Actor {
  let actor = value;
  for (let actors = 0; actors < MAX_ACTORS; actors += 1) {
    if (!isJsonObject(actor)) return false;
    if (!isName(actor['sub'])) return false;
    if (Object.hasOwn(actor, 'also') && !areOthers(actor['also'])) return false;
    if (!Object.hasOwn(actor, 'act')) return true;
    actor = actor['act'];
  }
  return false;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** The other identities of an actor, all but the first. */
function areOthers(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.length < MAX_NAMES && value.every(isName);
}

/** Every identity of an actor: whoever has one of them may present its tokens. */
export function identitiesOf({ sub, also = [] }: Actor): readonly string[] {
  return [sub, ...also];
}

/** What the children of a token nest in their `act`: its own actors, or the client where it is a root. */
export function chainOf({
  act,
  client_id: client,
}: {
  readonly act?: Actor;
  readonly client_id: string;
}): Actor {
  return act ?? { sub: client };
}

/** The names of a chain, the nearest first. */
export function actorNames(chain: Actor): string[] {
  const names: string[] = [];
  for (let actor: Actor | undefined = chain; actor; actor = actor.act) names.push(actor.sub);
  return names;
}

/** Whether two chains name the same actors in the same order, each with the same identities. */
export function isSameChain(one: Actor, other: Actor): boolean {
  let [left, right]: (Actor | undefined)[] = [one, other];
  for (; left && right; [left, right] = [left.act, right.act]) if (!isSameActor(left, right)) return false;
  return left === right;
}

function isSameActor(one: Actor, other: Actor): boolean {
  const [also, others] = [one.also ?? [], other.also ?? []];
  return (
    one.sub === other.sub && also.length === others.length && also.every((name, at) => name === others[at])
  );
}
