/**
 * Checks over gRPC: Envoy's `envoy.service.auth.v3.Authorization`. The metadata `waybill-direction: outbound`, which the
 * configuration of Envoy sets and no client can, asks for the token of a call; without it a check is about a request to
 * the service. Certificates come as over HTTP, in the header that `client_cert` names, or in the question itself.
 */
import type { Socket } from 'node:net';
import type { Server, ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { WaybillError } from '../../errors.ts';
import type { Sidecar } from '../sidecar.ts';
import {
  allowedResponse,
  readCheckRequest,
  refusedResponse,
  type AskedRequest,
} from './authorization-messages.ts';
import { decide, headerChanges, type AskedHeaders } from './decide.ts';
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

export interface GrpcChecks {
  readonly port: number;
  /** Lets running checks end. */
  close(): Promise<void>;
  /** Ends running checks without an answer. */
  stop(): void;
}

const SERVING = 1;

/** @throws WaybillError `usage` if the address is taken, or the package is missing. */
export async function serveGrpcChecks(
  sidecar: Sidecar,
  { address, maxMessageBytes, trust }: GrpcCheckOptions,
): Promise<GrpcChecks> {
  const grpc = await import('@grpc/grpc-js').catch(() => {
    throw new WaybillError(
      'usage',
      'Checks over gRPC need the package @grpc/grpc-js. Install it beside waybill.',
    );
  });
  const server = new grpc.Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': -1,
  });
  server.addService(SERVICES, {
    check(call: ServerUnaryCall<AskedRequest, Buffer>, answer: sendUnaryData<Buffer>) {
      const asked = call.request;
      const direction = call.metadata.get('waybill-direction')[0] === 'outbound' ? 'outbound' : 'inbound';
      const request = headersOf(asked, call.getPeer());
      const presented = trust && sourcePeer(asked.source, request, trust);
      decide(sidecar, request, { ...asked, url: asked.path, direction }, presented).then(
        (decision) => {
          if (decision.refused) return answer(null, refusedResponse(decision.refused));
          const needsAuthorization = direction === 'outbound' || sidecar.replacesInbound;
          const { set, removed } = headerChanges(request.rawHeaders, needsAuthorization, decision);
          answer(null, allowedResponse(set, removed));
        },
        () => answer({ code: grpc.status.INTERNAL }), // nothing that is decided throws
      );
    },
    health(_call: unknown, answer: sendUnaryData<Buffer>) {
      answer(null, message([1, SERVING]));
    },
  });
  const port = await bound(server, address, grpc.ServerCredentials.createInsecure());
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
      }),
    stop: () => server.forceShutdown(),
  };
}

const asIs = (bytes: Buffer): Buffer => bytes;

const SERVICES: ServiceDefinition = {
  check: {
    ...{ path: '/envoy.service.auth.v3.Authorization/Check', requestStream: false, responseStream: false },
    ...{ requestSerialize: asIs, requestDeserialize: readCheckRequest },
    ...{ responseSerialize: asIs, responseDeserialize: asIs },
  },
  health: {
    ...{ path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false },
    ...{
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  },
};

function bound(
  server: Server,
  address: string,
  credentials: Parameters<Server['bindAsync']>[1],
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new WaybillError('usage', `Cannot listen on ${address}. Choose another \`grpc\`.`));
    });
  });
}

/** As the extractor looks at a request: the address of the proxy, and its headers. */
function headersOf({ rawHeaders }: AskedRequest, peer: string): AskedHeaders {
  const headersDistinct: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    (headersDistinct[rawHeaders[index]!.toLowerCase()] ??= []).push(rawHeaders[index + 1]!);
  const socket = { remoteAddress: peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') } as Socket;
  return { rawHeaders, headersDistinct, socket };
}
