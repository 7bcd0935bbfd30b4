/** What a check decides, whether it is asked over HTTP or over gRPC. */
import { headerValues } from '../../input/header-lines.ts';
import type { ReceivedRequest } from '../../middleware/index.ts';
import { IDENTITY_HEADERS, isIdentityHeader, type HeaderLine } from '../identity-headers.ts';
import type { Direction } from '../metrics.ts';
import type { Allowed, Decision, PresentedPeer, Sidecar } from '../sidecar.ts';

/** What a check is about, wherever it stands in the question. */
export interface Asked {
  readonly direction: Direction;
  readonly method: string;
  readonly url: string;
  readonly host: string;
}

/** The headers of the request, and the connection of the proxy. */
export type AskedHeaders = ReceivedRequest & { readonly rawHeaders: readonly string[] };

/** @param presented the peer. Default: as the headers say. */
export function decide(
  sidecar: Sidecar,
  request: AskedHeaders,
  { direction, method, url, host }: Asked,
  presented = peerInHeaders(sidecar, request),
): Promise<Decision> {
  const { rawHeaders } = request;
  const authorization = headerValues(rawHeaders, 'authorization');
  if (direction === 'outbound') return sidecar.outbound({ authorization, host, url });
  return sidecar.inbound({
    authorization,
    dpop: headerValues(rawHeaders, 'dpop'),
    method,
    url,
    ...presented,
  });
}

function peerInHeaders({ extractor }: Sidecar, request: AskedHeaders): PresentedPeer {
  return { certificate: extractor.certificateOf(request), peer: extractor.peerOf(request) };
}

export interface HeaderChanges {
  /** In place of what the request has under these names. */
  readonly set: readonly HeaderLine[];
  readonly removed: readonly string[];
}

/** @param needsAuthorization whether the answer has an `authorization` that the request has already. */
export function headerChanges(
  rawHeaders: readonly string[],
  needsAuthorization: boolean,
  { authorization, identity }: Allowed,
): HeaderChanges {
  const names = new Set(identity.map(([name]) => name));
  const removed = new Set<string>(IDENTITY_HEADERS.filter((name) => !names.has(name)));
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (isIdentityHeader(name) && !names.has(name)) removed.add(name);
  }
  const set: HeaderLine[] = [...identity];
  if (authorization === undefined) removed.add('authorization');
  else if (needsAuthorization) set.push(['authorization', authorization]);
  return { set, removed: [...removed] };
}
