/** Parses the URL of a Redis. It contains a password, so no message quotes it. */
import { usageError } from '../../errors.ts';
import { parseUrl } from '../../input/url.ts';

export interface RedisAddress {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/**
 * `redis[s]://[[username]:password@]host[:port][/database]`; default: port 6379, database 0.
 *
 * @throws WaybillError `usage`, without the URL or any part of it
 */
export function parseRedisUrl(url: string): RedisAddress {
  const parsed = parseUrl(url) ?? refuse('it is not a URL');
  const { protocol, hostname, port, pathname, search, hash } = parsed;
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    refuse('it begins with neither redis:// nor rediss://');
  if (hostname === '') refuse('it names no host');
  if (search !== '' || hash !== '')
    refuse('it has a query or a fragment; write # and ? of a password as %23 and %3F');
  if (!/^\/?\d{0,6}$/.test(pathname)) refuse('its path is not the number of a database');
  return {
    tls: protocol === 'rediss:',
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 6379 : Number(port),
    username: decode(parsed.username),
    password: decode(parsed.password),
    database: Number(pathname.slice(1)),
  };
}

function decode(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse('its user or password has a % that is not a percent-encoding');
  }
}

function refuse(why: string): never {
  throw usageError(
    `The address of Redis is not usable: ${why}. It looks like redis://[user]:[password]@host:6379/0, with rediss:// for TLS.`,
  );
}
