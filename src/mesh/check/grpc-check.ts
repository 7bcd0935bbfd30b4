/**
 * Checks over gRPC: Envoy's `envoy.service.auth.v3.Authorization`. The metadata `waybill-direction: outbound`, which the
 * configuration of Envoy sets and no client can, asks for the token of a call; without it a check is about a request to
 * the service. Certificates come as over HTTP, in the header that `client_cert` names, or in the question itself.
 */
import { WaybillError } from '../../errors.ts';
import type { Sidecar } from '../sidecar.ts';
import {
  allowedResponse,
  readCheckRequest,
  refusedResponse,
  type AskedRequest,
} from './authorization-messages.ts';
import { decide, headerChanges, type AskedHeaders } from './decide.ts';
import { serveUnary, type UnaryCall, type UnaryServer } from './grpc-server.ts';
import { message } from './protobuf.ts';
import { sourcePeer, type SourceTrust } from './source-peer.ts';

export interface GrpcCheckOptions {
  /** `host:port`. */
  readonly address: string;
  /** Bytes of the largest question. */
  readonly maxMessageBytes: number;
  /** Whose word on the peer counts in the question itself. Default: nobody's, and headers count. */
  readonly trust?: SourceTrust | undefined;
}

export type GrpcChecks = UnaryServer;

const CHECK = '/envoy.service.auth.v3.Authorization/Check';
const HEALTH = '/grpc.health.v1.Health/Check';
const SERVING = message([1, 1]);

/** @throws WaybillError `usage` if the address is taken. */
export async function serveGrpcChecks(
  sidecar: Sidecar,
  { address, maxMessageBytes, trust }: GrpcCheckOptions,
): Promise<GrpcChecks> {
  const check = (bytes: Buffer, call: UnaryCall) => answerCheck(sidecar, trust, readCheckRequest(bytes), call);
  const methods = new Map([
    [CHECK, check],
    [HEALTH, async () => Promise.resolve(SERVING)],
  ]);
  const { hostname, port } = new URL(`http://${address}`);
  const options = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), maxMessageBytes };
  return serveUnary(methods, options).catch(() => {
    throw new WaybillError('usage', `Cannot listen on ${address}. Choose another \`grpc\`.`);
  });
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
