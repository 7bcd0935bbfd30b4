/** Announcements of the processes that share a Redis: a short-lived key for each, and an index of those keys. */
import type { RedisLink } from './redis-link.ts';

/** A Redis Set of keys. Members whose key has expired are removed. */
const INDEX = 'waybill:peers';
/** Most texts to read: more processes than share one store. */
const MAX_PEERS = 1_000;

/** @returns the texts of the others. @throws WaybillError `store_unavailable` */
export async function announce(
  link: RedisLink,
  own: string,
  text: string,
  seconds: number,
): Promise<readonly string[]> {
  const [, , , names] = await link.run(async (client) =>
    Promise.all([
      client.set(keyOf(own), text, { expiration: { type: 'EX', value: seconds } }),
      client.sAdd(INDEX, own),
      client.expire(INDEX, 2 * seconds),
      client.sMembers(INDEX),
    ]),
  );
  const others = names.filter((name) => name !== own).slice(0, MAX_PEERS);
  if (others.length === 0) return [];
  const texts = await link.run((client) => client.mGet(others.map(keyOf)));
  const gone = others.filter((_, index) => texts[index] === null);
  if (gone.length > 0) await link.run((client) => client.sRem(INDEX, gone));
  return texts.filter((each) => each !== null);
}

export async function withdraw(link: RedisLink, own: string): Promise<void> {
  await link.run(async (client) => Promise.all([client.del(keyOf(own)), client.sRem(INDEX, own)]));
}

function keyOf(name: string): string {
  return `waybill:peer:${name}`;
}
