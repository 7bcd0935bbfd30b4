/** A gRPC service: two protected methods, one of which calls another service. */
import { Client, credentials, Server, type handleUnaryCall, type ServiceError } from '@grpc/grpc-js';
import type { Extractor } from 'waybill/middleware';
import { contextOf, protect, withToken } from 'waybill/middleware/grpc';

import { call, ORDERS, STOCK, type Orders, type Placed } from './services.ts';

/** @param stock the address of the service `stock`. */
export function orders(waybill: Extractor, stock: string): Server {
  const client = new Client(stock, credentials.createInsecure(), {
    interceptors: [withToken(waybill, 'stock')],
  });

  const list: handleUnaryCall<object, Orders> = (asked, callback) => {
    callback(null, { customer: contextOf(asked).claims.client_id, orders: [] });
  };
  const place: handleUnaryCall<object, Placed> = (asked, callback) => {
    const customer = contextOf(asked).claims.client_id;
    call(client, STOCK.reserve).then(
      (reservation) => callback(null, { customer, stock: reservation }),
      ({ code, details }: ServiceError) => callback({ code, details }),
    );
  };

  const methods = {
    [ORDERS.list.path]: { scope: 'order:read' },
    [ORDERS.place.path]: { scope: 'order:place' },
  };
  const server = new Server({ interceptors: [protect(waybill, methods)] });
  server.addService(ORDERS, { list, place });
  return server;
}
