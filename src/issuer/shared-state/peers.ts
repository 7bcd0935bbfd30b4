/**
 * Checks that processes that share a store are one issuer. Each announces there, for some seconds, which keys it
 * publishes and which graph it runs, and reads the announcements of the others.
 *
 * Keys and graphs change at one process after the other, so for seconds, or for the time of a rolling update, they may
 * differ. Processes with no key in common are always a mistake: the tokens of one are refused with the keys of the other.
 */
import { randomUUID } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { attempt } from '../../input/attempt.ts';
import type { Store } from '../stores/index.ts';
import type { Issuer } from '../issuer.ts';

/** Seconds that an announcement stays valid. */
export const PEER_SECONDS = 15;

export interface PeerReport {
  /** How many others serve this issuer's URL. */
  readonly others: number;
  /** `foreign`: another one has no key in common with this process. */
  readonly keys: 'same' | 'differ' | 'foreign';
  readonly graph: 'same' | 'differ';
  /** Digests of the graphs of the others, where they differ. */
  readonly graphs: readonly string[];
}

interface Card {
  readonly issuer: string;
  /** Thumbprints (RFC 7638) of the published keys, sorted. */
  readonly keys: readonly string[];
  readonly graph: string;
}

export class Peers {
  readonly #store: Store;
  readonly #name = randomUUID();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Announces this process and compares it with the others. @throws WaybillError `store_unavailable` */
  async compare({ plan, jwks }: Pick<Issuer, 'plan' | 'jwks'>): Promise<PeerReport> {
    const keys = await Promise.all(jwks.keys.map((key) => calculateJwkThumbprint(key)));
    const own: Card = { issuer: plan.issuer.url, keys: keys.sort(), graph: plan.digest };
    const texts = await this.#store.announce(this.#name, JSON.stringify(own), PEER_SECONDS);
    const others = texts.map(readCard).filter((card) => card?.issuer === own.issuer) as Card[];
    const graphs = [...new Set(others.map(({ graph }) => graph))].filter((graph) => graph !== own.graph);
    return {
      others: others.length,
      keys: compareKeys(own, others),
      graph: graphs.length > 0 ? 'differ' : 'same',
      graphs: graphs.sort(),
    };
  }

  /** Call it when this process ends. Never rejects: otherwise the others notice some seconds later. */
  async withdraw(): Promise<void> {
    await this.#store.withdraw(this.#name).catch(() => undefined);
  }
}

function compareKeys(own: Card, others: readonly Card[]): PeerReport['keys'] {
  if (others.some(({ keys }) => !keys.some((key) => own.keys.includes(key)))) return 'foreign';
  return others.every(({ keys }) => keys.join(' ') === own.keys.join(' ')) ? 'same' : 'differ';
}

/** @returns undefined for text that another version may have announced. */
function readCard(text: string): Card | undefined {
  const { issuer, keys, graph } = (attempt<unknown>(() => JSON.parse(text)) ?? {}) as Partial<Card>;
  const isCard = typeof issuer === 'string' && typeof graph === 'string' && Array.isArray(keys);
  return isCard ? { issuer, keys: keys.map(String), graph } : undefined;
}
