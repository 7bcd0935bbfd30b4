/**
 * Checks over gRPC: Envoy's `envoy.service.auth.v3.Authorization`. The metadata `waybill-direction: outbound`, which the
 * configuration of Envoy sets and no client can, asks for the token of a call; without it a check is about a request to
 * the service. Certificates come as over HTTP, in the header that `client_cert` names, or in the question itself.
 */
import type { Sidecar } from '../sidecar.ts';
import {
  allowedResponse,
  readCheckRequest,
  refusedResponse,
  type AskedRequest,
} from './authorization-messages.ts';
import { decide, headerChanges, type AskedHeaders } from './decide.ts';
import {
  serveUnary,
  type UnaryCall,
  type UnaryMethod,
  type UnaryOptions,
  type UnaryServer,
} from './grpc-server.ts';
import { message } from './protobuf.ts';
import { sourcePeer, type SourceTrust } from './source-peer.ts';

export interface GrpcCheckOptions extends UnaryOptions {
  /** Whose word on the peer counts in the question itself. Default: nobody's, and headers count. */
  readonly trust?: SourceTrust | undefined;
}

export type GrpcChecks = UnaryServer;

const CHECK = '/envoy.service.auth.v3.Authorization/Check';
const HEALTH = '/grpc.health.v1.Health/Check';
const SERVING = message([1, 1]);

/** @throws what the operating system says against the address. */
export async function serveGrpcChecks(
  sidecar: Sidecar,
  { trust, ...options }: GrpcCheckOptions,
): Promise<GrpcChecks> {
  const methods = new Map<string, UnaryMethod>([
    [CHECK, (bytes, call) => answerCheck(sidecar, trust, readCheckRequest(bytes), call)],
    [HEALTH, () => SERVING],
  ]);
  return serveUnary(methods, options);
}

async function answerCheck(
  sidecar: Sidecar,
  trust: SourceTrust | undefined,
  asked: AskedRequest,
  { headers, socket }: UnaryCall,
): Promise<Buffer> {
  const direction = headers['waybill-direction'] === 'outbound' ? 'outbound' : 'inbound';
  const request = headersOf(asked, socket);
  const presented = trust && sourcePeer(asked.source, request, trust);
  const decision = await decide(sidecar, request, { ...asked, url: asked.path, direction }, presented);
  if (decision.refused) return refusedResponse(decision.refused);
  const needsAuthorization = direction === 'outbound' || sidecar.replacesInbound;
  const { set, removed } = headerChanges(request.rawHeaders, needsAuthorization, decision);
  return allowedResponse(set, removed);
}

/** As the extractor looks at a request: the address of the proxy, and its headers. */
function headersOf({ rawHeaders }: AskedRequest, { remoteAddress }: UnaryCall['socket']): AskedHeaders {
  const headersDistinct: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    (headersDistinct[rawHeaders[index]!.toLowerCase()] ??= []).push(rawHeaders[index + 1]!);
  return { rawHeaders, headersDistinct, socket: { remoteAddress } as AskedHeaders['socket'] };
}
