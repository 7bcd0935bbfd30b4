/** The adapter for gRPC (`@grpc/grpc-js`): one interceptor for servers, one for clients. */

import { X509Certificate } from 'node:crypto';

import {
  InterceptingCall,
  Metadata,
  ServerInterceptingCall,
  status,
  type Interceptor,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';

import { isWaybillError, type ErrorCode, usageError } from '../../errors.ts';
import type {
  Admit,
  Admitted,
  Extractor,
  ProtectOptions,
  Refused,
  RequestContext,
  TokenSource,
} from '../index.ts';
import { authorizationFor } from './authorization-for.ts';

/** The methods of a server by their path, such as `/shop.Stock/Reserve`. `open` is for those that take no token. */
export type ProtectedMethods = Readonly<Record<string, ProtectOptions | 'open'>>;

interface CallStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The metadata with the code of a refusal, beside the status. */
const CODE = 'waybill-code';

const STATUS_OF: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  431: status.RESOURCE_EXHAUSTED,
  503: status.UNAVAILABLE,
};

/**
 * Makes the interceptor of a server: only a call with a valid token reaches its handler, where `contextOf(call)` and the
 * extractor's `current()` and `fetch` find the context. All others end with a status: UNAUTHENTICATED for 401, PERMISSION_DENIED
 * for 403, INVALID_ARGUMENT for 400, RESOURCE_EXHAUSTED for 431, UNAVAILABLE for 503; `waybill-code` and
 * `www-authenticate` are in its metadata.
 *
 * grpc-js shows only the first of two `authorization` headers, so that one counts.
 *
 * @param methods what each method needs. A method that is not listed is refused, so that a slip in a path opens nothing.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import { Server } from '@grpc/grpc-js';
 * import { extractor } from 'waybill/middleware';
 * import { protect } from 'waybill/middleware/grpc';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://stock.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * const server = new Server({
 *   interceptors: [
 *     protect(waybill, {
 *       '/shop.Stock/Reserve': { scope: 'reserve' },
 *       '/grpc.health.v1.Health/Check': 'open',
 *     }),
 *   ],
 * });
 * ```
 */
export function protect(waybill: Extractor, methods: ProtectedMethods): ServerInterceptor {
  const admits = new Map(
    Object.entries(methods).map(([path, options]) => [
      path,
      options === 'open' ? options : waybill.admission(options),
    ]),
  );
  return ({ path }, call) => {
    const admit = admits.get(path);
    if (admit === 'open') return new ServerInterceptingCall(call);
    return admit ? protectedCall(call, path, admit) : unlistedCall(call, path);
  };
}

/**
 * The context of a call, in a handler behind `protect`.
 *
 * @param call the first argument of the handler.
 * @throws WaybillError `usage` for a call that `protect` did not verify.
 *
 * @example
 * ```ts
 * import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
 * import { contextOf } from 'waybill/middleware/grpc';
 *
 * function reserve(call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>): void {
 *   callback(null, { reservedFor: contextOf(call).claims.sub });
 * }
 * ```
 */
export function contextOf(call: { readonly metadata: Metadata }): RequestContext {
  const context = contexts.get(call.metadata);
  if (context) return context;
  throw usageError('this call has no verified token: its server needs the interceptor protect');
}

/** A handler gets the object that the interceptor passes on. */
const contexts = new WeakMap<Metadata, RequestContext>();

/**
 * Makes the interceptor of a client: each call carries the token of the callee, in `authorization`. Where there is none,
 * nothing is sent, and the call ends with a status: PERMISSION_DENIED, UNAUTHENTICATED for a token that has expired,
 * RESOURCE_EXHAUSTED over the budget, UNAVAILABLE where the issuer cannot be asked, FAILED_PRECONDITION outside of a request;
 * `waybill-code` is in its metadata.
 *
 * @param source the extractor, whose current request then counts, or the context of one request.
 * @param callee the callee's name in the graph, or its audience.
 *
 * @example
 * ```ts
 * import { Client, credentials } from '@grpc/grpc-js';
 * import { extractor } from 'waybill/middleware';
 * import { withToken } from 'waybill/middleware/grpc';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * const stock = new Client('stock.example:443', credentials.createSsl(), {
 *   interceptors: [withToken(waybill, 'stock')],
 * });
 * ```
 */
export function withToken(source: TokenSource, callee: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(given, listener, next) {
        obtain(source, callee, given).then(
          // The caller may use its metadata again, for another callee.
          (authorization) => {
            const metadata = given.clone();
            if (authorization !== undefined) metadata.set('authorization', authorization);
            next(metadata, listener);
          },
          (error: unknown) => listener.onReceiveStatus(statusOf(error)),
        );
      },
    });
}

async function obtain(source: TokenSource, callee: string, metadata: Metadata): Promise<string | undefined> {
  if (metadata.get('authorization').length > 0)
    throw usageError('the interceptor sets authorization itself: leave it out of the metadata');
  return authorizationFor(source, callee);
}

function protectedCall(
  call: ServerInterceptingCallInterface,
  path: string,
  admit: Admit,
): ServerInterceptingCall {
  let admitted: Admitted | undefined;
  // Messages arrive in events of the connection, which belong to no request.
  const within = (work: () => void): void => (admitted ? admitted.run(work) : work());
  return new ServerInterceptingCall(call, {
    start(next) {
      next({
        onReceiveMetadata(metadata, pass) {
          admit(describe(call, path, metadata)).then(
            (admission) => {
              if (admission.refusal) return call.sendStatus(refusedStatus(admission));
              admitted = admission;
              contexts.set(metadata, admission.context);
              within(() => pass(metadata));
            },
            (error: unknown) => call.sendStatus(statusOf(error)),
          );
        },
        onReceiveMessage: (message, pass) => within(() => pass(message)),
        onReceiveHalfClose: (pass) => within(pass),
      });
    },
    sendStatus(sent, next) {
      next(sent);
      admitted?.end();
    },
  });
}

function unlistedCall(call: ServerInterceptingCallInterface, path: string): ServerInterceptingCall {
  return new ServerInterceptingCall(call, {
    start(next) {
      next({
        onReceiveMetadata: () =>
          call.sendStatus({
            code: status.PERMISSION_DENIED,
            details: `protect does not list the method ${path}`,
          }),
      });
    },
  });
}

/** As HTTP/2 carries a call: gRPC's requests are all POST. */
function describe(
  call: ServerInterceptingCallInterface,
  path: string,
  metadata: Metadata,
): Parameters<Admit>[0] {
  const headers = ['authorization', 'dpop'].flatMap((name) =>
    metadata.get(name).map((value): [string, string] => [name, value.toString()]),
  );
  // grpc-js shows the certificates alone that its server verified.
  const { sslPeerCertificate: peer } = call.getAuthContext();
  const certificate = peer && new X509Certificate(peer.raw);
  return { method: 'POST', url: path, headers, certificate };
}

function refusedStatus({ refusal, error }: Refused): CallStatus {
  const metadata = new Metadata();
  metadata.set(CODE, refusal.code);
  const challenge = refusal.headers['www-authenticate'];
  if (challenge !== undefined) metadata.set('www-authenticate', challenge);
  return { code: STATUS_OF[refusal.status] ?? status.UNKNOWN, details: error.message, metadata };
}

/** Of errors that are about no token of a caller's. */
const STATUS_OF_ERROR: Partial<Record<ErrorCode, status>> = {
  usage: status.FAILED_PRECONDITION,
  token_expired: status.UNAUTHENTICATED,
  child_too_large: status.RESOURCE_EXHAUSTED,
  issuer_unavailable: status.UNAVAILABLE,
  issuer_metadata: status.UNAVAILABLE,
  crypto_failed: status.INTERNAL,
};

function statusOf(error: unknown): CallStatus {
  const metadata = new Metadata();
  if (!isWaybillError(error)) return { code: status.INTERNAL, details: 'internal error', metadata };
  metadata.set(CODE, error.code);
  return {
    code: STATUS_OF_ERROR[error.code] ?? status.PERMISSION_DENIED,
    details: error.message,
    metadata,
  };
}
