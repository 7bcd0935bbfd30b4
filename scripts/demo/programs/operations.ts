/** How the call graph spells operations, as HTTP: `POST /cart`, or the path of a gRPC method, which is always posted. */

/** An operation of a service. */
export interface Operation {
  readonly service: string;
  readonly operation: string;
}

export interface Route {
  readonly method: 'get' | 'post';
  readonly path: string;
}

/** A product of the shop: its sunglasses. */
const PRODUCT = 'OLJCESPC7Z';

export function routeOf(operation: string): Route {
  const [verb, path] = operation.split(' ');
  return { method: verb === 'GET' ? 'get' : 'post', path: path ?? operation };
}

/** `/product/{id}` as Express writes it: `/product/:id`. */
export function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** What a caller asks for, with a product in place of parameters. */
export function addressOf(base: string, operation: string): { method: Route['method']; url: string } {
  const { method, path } = routeOf(operation);
  return { method, url: base + path.replace(/\{\w+\}/g, PRODUCT) };
}

/** `/hipstershop.CartService/GetCart` is called `GetCart`. */
export function shortName(operation: string): string {
  return operation.startsWith('/') ? operation.slice(operation.lastIndexOf('/') + 1) : operation;
}
