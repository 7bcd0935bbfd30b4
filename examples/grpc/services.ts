/** The two services as protoc would describe them, written by hand: their messages are JSON. */
import { Metadata, type Client, type MethodDefinition } from '@grpc/grpc-js';

export interface Orders {
  readonly customer: string | undefined;
  readonly orders: readonly string[];
}

export interface Reservation {
  readonly reserved: boolean;
  readonly for: string | undefined;
  readonly by: string | undefined;
}

export interface Placed {
  readonly customer: string | undefined;
  readonly stock: Reservation;
}

export const ORDERS = {
  list: unary<Orders>('/shop.Orders/List'),
  place: unary<Placed>('/shop.Orders/Place'),
};

export const STOCK = { reserve: unary<Reservation>('/shop.Stock/Reserve') };

/** No method here needs anything of its request. */
function unary<Answer>(path: string): MethodDefinition<object, Answer> {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: toBytes,
    requestDeserialize: (bytes) => JSON.parse(bytes.toString()) as object,
    responseSerialize: toBytes,
    responseDeserialize: (bytes) => JSON.parse(bytes.toString()) as Answer,
  };
}

function toBytes(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message));
}

/** Calls a method. It rejects with a `ServiceError`. */
export async function call<Answer>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<object, Answer>,
  metadata = new Metadata(),
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, metadata, (error, answer) => {
      if (error) reject(error);
      else resolve(answer as Answer);
    });
  });
}
