/**
 * The services whose tokens other parties may read, present or receive than before; for all others the analysis of access
 * gives the same in both graphs. In: the tokens of both graphs.
 *
 * The readers of a token are its audience, those who fetch it, the holders of a root, and the readers of the token that
 * embeds it. So a change shows in the tokens of a changed service, in those that they call, and in all that these embed.
 */
import type { TokenBody } from '../../graph/index.ts';
import type { GraphAccess } from '../../planning/access/index.ts';
import type { Authority } from './authority.ts';
import type { Unchanged } from './unchanged.ts';

/** One of the two graphs. */
export interface Side {
  readonly authority: Authority;
  readonly access: GraphAccess;
}

export function affectedServices(older: Side, newer: Side, unchanged: Unchanged): ReadonlySet<string> {
  const entered = changedEntries(older, newer, unchanged);
  const [had, has] = [older, newer].map(keysOf) as [Keys, Keys];
  const services = new Set(entered);
  collect(older, (body) => !has.all.has(had.of(body)), entered, unchanged, services);
  collect(newer, (body) => !had.all.has(has.of(body)), entered, unchanged, services);
  return services;
}

/** Services whose root tokens have other holders than before, or may have. */
function changedEntries(older: Side, newer: Side, unchanged: Unchanged): ReadonlySet<string> {
  const entered = new Set<string>();
  for (const { authority, access } of [older, newer]) {
    const { clients, services } = authority.plan;
    for (const { client, body } of access.entries) {
      const { name } = body.service;
      if (!unchanged.client(client) || !unchanged.entry(client, name)) entered.add(name);
    }
    const gateways = [
      ...[...clients.values()].filter(({ name }) => !unchanged.client(name)),
      ...[...services.values()].filter(({ name }) => !unchanged.service(name)),
    ];
    for (const { introspect } of gateways) for (const { name } of introspect) entered.add(name);
  }
  return entered;
}

interface Keys {
  readonly all: ReadonlySet<string>;
  of(body: TokenBody): string;
}

/** Equal for the same token in both graphs. */
function keysOf({ authority, access }: Side): Keys {
  const keys = new Map(access.bodies.map((body) => [body, authority.keyOf(body)]));
  return { all: new Set(keys.values()), of: (body) => keys.get(body)! };
}

/** @param isNew whether the other graph has no such token. */
function collect(
  { access }: Side,
  isNew: (body: TokenBody) => boolean,
  entered: ReadonlySet<string>,
  unchanged: Unchanged,
  services: Set<string>,
): void {
  const touched = new Set<TokenBody>();
  for (const body of access.bodies) {
    const { name } = body.service;
    if (entered.has(name)) touched.add(body);
    if (unchanged.service(name) && !isNew(body)) continue;
    touched.add(body);
    for (const branch of body.branches) {
      const target = access.target(branch);
      if (target) touched.add(target);
      services.add(branch.callee);
    }
  }
  for (const body of access.bodies) {
    if (!touched.has(body)) continue;
    services.add(body.service.name);
    for (const { mode, callee, shape } of body.branches) {
      if (shape) touched.add(shape.body);
      // Who can read a token can present it where it is forwarded to.
      if (mode === 'forward') services.add(callee);
    }
  }
}
