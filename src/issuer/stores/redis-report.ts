/** Reads from a Redis server, as far as its user may, whether it can lose data and whether it has restarted. */
import type { RedisClient } from './redis-connection.ts';
import type { StoreRisk } from './store.ts';

/** Members that the server does not report are undefined. */
export interface RedisReport {
  /** The id of the running server process; another after each restart. */
  readonly run: string | undefined;
  /** Keys evicted since it started. */
  readonly evicted: number | undefined;
  readonly policy: string | undefined;
  readonly appendOnly: boolean | undefined;
  readonly role: string | undefined;
  readonly cluster: boolean | undefined;
  /** Whether it was a replica and took over. */
  readonly promoted: boolean | undefined;
}

/** Runs one command; undefined if the server refuses it or does not answer. */
export type Ask = <Reply>(command: (client: RedisClient) => Promise<Reply>) => Promise<Reply | undefined>;

const NEVER_PROMOTED = /^0*$/;
/** Values are logged, so only values that Redis itself uses are taken. */
const WORD = /^[\w-]{1,64}$/;

/** `INFO` has everything. Some providers forbid it, or `CONFIG`, or both. */
export async function readReport(ask: Ask): Promise<RedisReport> {
  const info = readInfo((await ask((client) => client.info())) ?? '');
  const setting = async (name: string): Promise<string | undefined> => {
    const found = await ask((client) => client.configGet(name));
    return found?.[name];
  };
  const evicted = info.get('evicted_keys');
  const appendOnly = info.get('aof_enabled') ?? (await setting('appendonly'));
  const policy = info.get('maxmemory_policy') ?? (await setting('maxmemory-policy'));
  const promotedFrom = info.get('master_replid2');
  const cluster = info.get('cluster_enabled');
  return {
    run: word(info.get('run_id')),
    evicted: evicted === undefined ? undefined : Number(evicted),
    policy: word(policy),
    appendOnly: appendOnly === undefined ? undefined : appendOnly === '1' || appendOnly === 'yes',
    role: word(info.get('role')),
    cluster: cluster === undefined ? undefined : cluster === '1',
    promoted: promotedFrom === undefined ? undefined : !NEVER_PROMOTED.test(promotedFrom),
  };
}

export async function readEvicted(client: RedisClient): Promise<number | undefined> {
  const evicted = readInfo(await client.info('stats')).get('evicted_keys');
  return evicted === undefined ? undefined : Number(evicted);
}

export function risksOf({ policy, appendOnly, role, cluster }: RedisReport): readonly StoreRisk[] {
  const risks: readonly (readonly [StoreRisk, boolean])[] = [
    ['cluster', cluster === true],
    ['evicts', policy !== undefined && policy !== 'noeviction'],
    ['no_aof', appendOnly === false],
    ['replica', role === 'slave'],
    ['unknown', [policy, appendOnly, role, cluster].includes(undefined)],
  ];
  return risks.flatMap(([risk, isThere]) => (isThere ? [risk] : []));
}

function readInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\r\n').map((line) => [line, line.indexOf(':')] as const);
  return new Map(
    lines.flatMap(([line, colon]) =>
      colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const],
    ),
  );
}

function word(text: string | undefined): string | undefined {
  return text !== undefined && WORD.test(text) ? text : undefined;
}
