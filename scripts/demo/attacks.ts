/** Ways to misuse tokens that one can come by, tried on the running services. Each must be refused. */
import { decodeJwt } from 'jose';
import { NO_CONNECTION, answerOf, child, exchange, present, type Attempt } from './attempts.ts';
import type { Operation } from './programs/operations.ts';
import { openPage } from './session.ts';
import { ENTRY, type World } from './world.ts';

export const CHECKOUT: Operation = {
  service: 'checkoutservice',
  operation: '/hipstershop.CheckoutService/PlaceOrder',
};
export const PAYMENT: Operation = {
  service: 'paymentservice',
  operation: '/hipstershop.PaymentService/Charge',
};
const LIST: Operation = {
  service: 'productcatalogservice',
  operation: '/hipstershop.ProductCatalogService/ListProducts',
};
const GET: Operation = { ...LIST, operation: '/hipstershop.ProductCatalogService/GetProduct' };

/** @param alice,bob the tokens that the frontend received with their orders. */
export function attacksWith(alice: string, bob: string, world: World): readonly Attempt[] {
  return [...onServices(alice, bob, world), ...onTheEdge(alice, world)];
}

function onServices(alice: string, bob: string, world: World): readonly Attempt[] {
  const as = world.shop.certificateOf;
  const payment = child(alice, 'checkoutservice', 'paymentservice');
  const order = child(alice, 'checkoutservice');
  const products = child(alice, 'recommendationservice', 'productcatalogservice');
  const forged = withChild(order, 'paymentservice', child(bob, 'checkoutservice', 'paymentservice'));
  return [
    {
      tried: 'the frontend charges the card itself, with the token that it can read inside its own',
      at: PAYMENT.service,
      make: () => present(PAYMENT, payment, world, as(ENTRY)),
      expected: '401 invalid_token token_presenter',
      why: 'the token names checkoutservice, and the certificate does not',
      meant: () => present(PAYMENT, payment, world, as('checkoutservice')),
    },
    {
      tried: 'someone outside the mesh has got hold of the same token',
      at: PAYMENT.service,
      make: () => present(PAYMENT, payment, world),
      expected: NO_CONNECTION,
      why: 'without a certificate of the mesh the handshake fails',
    },
    {
      tried: 'recommendationservice pays with the token that it has for productcatalogservice',
      at: PAYMENT.service,
      make: () => present(PAYMENT, products, world, as('recommendationservice')),
      expected: '401 invalid_token token_audience',
      why: 'the token has another audience',
    },
    {
      tried: 'recommendationservice reads one product with the token that lets it list them',
      at: GET.service,
      make: () => present(GET, products, world, as('recommendationservice')),
      expected: '403 insufficient_scope scope_insufficient',
      why: 'it grants products:list, not product:read',
      meant: () => present(LIST, products, world, as('recommendationservice')),
    },
    {
      tried: "the frontend puts Bob's payment token into Alice's token for checkoutservice",
      at: CHECKOUT.service,
      make: () => present(CHECKOUT, forged, world, as(ENTRY)),
      expected: '401 invalid_token token_signature',
      why: 'a signature covers the tokens inside',
      meant: () => present(CHECKOUT, order, world, as(ENTRY)),
    },
  ];
}

function onTheEdge(alice: string, world: World): readonly Attempt[] {
  return [
    {
      tried: 'the frontend asks the issuer for the token of paymentservice',
      at: 'the issuer',
      make: () => exchange(ENTRY, alice, 'paymentservice', world),
      expected: '400 invalid_target',
      why: 'by the graph, the frontend does not call it',
      meant: () => exchange(ENTRY, alice, 'adservice', world),
    },
    {
      tried: 'a token from inside, for checkoutservice, comes from a browser',
      at: 'the gateway',
      make: async () =>
        answerOf(await openPage('POST /cart/checkout', child(alice, 'checkoutservice'), world)),
      expected: '401 invalid_token token_presenter',
      why: 'an edge takes opaque tokens and roots',
    },
  ];
}

/** The token with another child in it, and the signature that it had. */
function withChild(token: string, name: string, stranger: string): string {
  const [header, , signature] = token.split('.');
  const claims = decodeJwt<{ embedded?: Record<string, string> }>(token);
  const forged = JSON.stringify({ ...claims, embedded: { ...claims.embedded, [name]: stranger } });
  return [header, Buffer.from(forged).toString('base64url'), signature].join('.');
}
