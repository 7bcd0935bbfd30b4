/** The gRPC service that `orders` calls. */
import { Server, type handleUnaryCall } from '@grpc/grpc-js';
import type { Extractor } from 'waybill/middleware';
import { contextOf, protect } from 'waybill/middleware/grpc';

import { STOCK, type Reservation } from './services.ts';

export function stock(waybill: Extractor): Server {
  const reserve: handleUnaryCall<object, Reservation> = (asked, callback) => {
    const { claims } = contextOf(asked);
    callback(null, { reserved: true, for: claims.client_id, by: claims.act?.sub });
  };
  const server = new Server({
    interceptors: [protect(waybill, { [STOCK.reserve.path]: { scope: 'reserve' } })],
  });
  server.addService(STOCK, { reserve });
  return server;
}
