/** What must not go through. Every refusal here is a proxy's: the services check nothing. */
import { DemoFailed } from '../demo/terminal.ts';
import { send, tokenFor, type Answer, type Report, type Shop } from './shop.ts';
import type { ServiceName } from './services.ts';

export interface Attack {
  readonly what: string;
  readonly expected: number;
  readonly attempt: () => Promise<Answer>;
}

/** @param received what each service received with a rightful order: an attacker has seen it all. */
export function attacksOn(shop: Shop, received: ReadonlyMap<ServiceName, Report>): readonly Attack[] {
  const { places, identities } = shop;
  const stolen = (name: ServiceName): string => {
    const token = received.get(name)?.authorization?.slice('Bearer '.length);
    if (token === undefined) throw new DemoFailed(`${name} received no token`);
    return token;
  };
  const toOrders = async (token?: string): Promise<Answer> =>
    send(places.orders.inbound, shop, { path: '/orders', token });
  return [
    { what: 'an order without a token', expected: 401, attempt: async () => toOrders() },
    {
      what: 'an order with a token in which one letter is changed',
      expected: 401,
      attempt: async () => toOrders(tampered(stolen('orders'))),
    },
    {
      what: 'an order with a token that only lets its client list orders',
      expected: 403,
      attempt: async () => toOrders(await tokenFor('list', shop)),
    },
    {
      what: "stock's own token, stolen, presented to stock by payment",
      expected: 403,
      attempt: async () =>
        send(places.stock.inbound, shop, {
          path: '/reserve',
          token: stolen('stock'),
          as: identities.get('payment'),
        }),
    },
    {
      what: 'stock, broken into, calls payment, which it has no token for',
      expected: 403,
      attempt: async () =>
        send(places.stock.outbound, shop, {
          path: '/charge',
          token: stolen('stock'),
          host: 'payment.shop.example',
        }),
    },
  ];
}

/** The last letter of the signature stands for bits that do not count, so the one before it. */
function tampered(token: string): string {
  const last = token.at(-2) === 'A' ? 'B' : 'A';
  return token.slice(0, -2) + last + token.slice(-1);
}
