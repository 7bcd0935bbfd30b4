/** Which callee a call is for, by the host that the application named. */
import { isWaybillError, WaybillError, usageError } from '../errors.ts';
import type { RequestContext } from '../middleware/index.ts';

/** Host, with a port or without → the callee's name in the graph, or its audience. */
export type CalleeTable = Readonly<Record<string, string>>;

export interface Call {
  /** As the `Host` header names it. */
  readonly host: string;
  /** As the request line has it. */
  readonly url: string;
}

/** RFC 9110 section 7.2: a host and an optional port; no user information, no path. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const MAX_HOST = 261;

export function isHost(text: string): boolean {
  return text.length <= MAX_HOST && HOST.test(text);
}

/** What a table says of a host: with the port first, then without. */
export function findByHost<Value>(table: ReadonlyMap<string, Value>, host: string): Value | undefined {
  const name = host.toLowerCase();
  return table.get(name) ?? table.get(name.replace(/:\d+$/, ''));
}

export interface CallHeader {
  readonly authorization: string;
  /** Of the callee's audience, where the host belongs to one. */
  readonly scheme?: 'http' | 'https';
}

/**
 * The header for a call. The table counts first: with the port, then without. Else the host must be that of an audience;
 * the sidecar does not see whether the proxy speaks TLS to the callee, so https counts before http.
 *
 * @throws WaybillError as `RequestContext.obtainHeaders`
 */
export async function headerForCall(
  context: RequestContext,
  { host, url }: Call,
  callees: ReadonlyMap<string, string>,
): Promise<CallHeader> {
  if (!isHost(host)) throw usageError('the host of the call is not a host name, with or without a port');
  const name = host.toLowerCase();
  const callee = findByHost(callees, name);
  if (callee !== undefined) return { authorization: await headerFor(context, callee) };
  const path = url.startsWith('/') ? url : '/';
  try {
    return { authorization: await headerFor(context, `https://${name}${path}`), scheme: 'https' };
  } catch (error) {
    if (!isWaybillError(error, 'child_missing')) throw error;
    return { authorization: await headerFor(context, `http://${name}${path}`), scheme: 'http' };
  }
}

/** A context that enforces nothing may have no header for a call; the sidecar sends none without. */
async function headerFor(context: RequestContext, callee: string): Promise<string> {
  const { authorization } = await context.obtainHeaders(callee);
  if (authorization !== undefined) return authorization;
  throw new WaybillError('child_missing', 'the token of this request holds none for this call');
}
