/**
 * Three ways to misuse tokens that one can come by, tried on the running services. Each must be refused.
 * And one that works, for the services here do not check who calls.
 */
import { decodeJwt } from 'jose';
import { addressOf, type Operation } from './operations.ts';
import type { Shop } from './shop.ts';
import { DemoFailed, paint, say } from './terminal.ts';

interface Attack {
  readonly tried: string;
  readonly at: Operation;
  readonly token: string;
  /** The answer that refuses it: status, `error` of the challenge, code of the problem document. */
  readonly refused: string;
  readonly why: string;
  /** The same token, or the one that was tampered with, as it was meant to be used: this is let in. */
  readonly meant: { readonly at: Operation; readonly token: string };
}

const CHECKOUT = '/hipstershop.CheckoutService/PlaceOrder';
const CHARGE = '/hipstershop.PaymentService/Charge';
const LIST = '/hipstershop.ProductCatalogService/ListProducts';
const GET = '/hipstershop.ProductCatalogService/GetProduct';

/** @param first,second the root tokens of two orders. */
export function attacksWith(first: string, second: string): readonly Attack[] {
  const products = child(second, 'recommendationservice', 'productcatalogservice');
  const catalog = (operation: string): Operation => ({ service: 'productcatalogservice', operation });
  const checkout = { service: 'checkoutservice', operation: CHECKOUT };
  const order = child(second, 'checkoutservice');
  const stolen = child(first, 'checkoutservice', 'paymentservice');
  return [
    {
      tried: 'recommendationservice pays with the token that it holds for productcatalogservice',
      at: { service: 'paymentservice', operation: CHARGE },
      token: products,
      refused: '401 invalid_token token_audience',
      why: 'the token has another audience',
      meant: { at: catalog(LIST), token: products },
    },
    {
      tried: "another order's payment token, put into this order's token for checkoutservice",
      at: checkout,
      token: withChild(order, 'paymentservice', stolen),
      refused: '401 invalid_token token_signature',
      why: 'a signature covers the tokens inside',
      meant: { at: checkout, token: order },
    },
    {
      tried: 'a token to list products, used to read one of them',
      at: catalog(GET),
      token: products,
      refused: '403 insufficient_scope scope_insufficient',
      why: 'it grants products:list, not product:read',
      meant: { at: catalog(LIST), token: products },
    },
  ];
}

/** @throws DemoFailed where an attack is let in, or refused for another reason than its own. */
export async function attempt({ tried, at, token, refused, why, meant }: Attack, shop: Shop): Promise<void> {
  const answer = await present(at, token, shop);
  if (answer !== refused)
    throw new DemoFailed(`${tried}: ${at.service} answered ${answer}, and should have answered ${refused}`);
  const handled = await shop.hops();
  if (handled.length > 0) throw new DemoFailed(`${tried}: ${at.service} handled the request all the same`);
  const control = await present(meant.at, meant.token, shop);
  if (control !== '200')
    throw new DemoFailed(`${meant.at.service} answered ${control} to a token that is as it was issued`);
  await shop.hops();
  say(
    `  ${paint.green('refused')}  ${tried}`,
    `           ${paint.bold(at.service)} answers ${paint.red(refused)}: ${why}`,
  );
}

/** What no check of the token can refuse, so that nobody takes the three for all: shown as it is. */
export async function showLimit(root: string, shop: Shop): Promise<void> {
  const token = child(root, 'checkoutservice', 'paymentservice');
  const answer = await present({ service: 'paymentservice', operation: CHARGE }, token, shop);
  if (answer !== '200')
    throw new DemoFailed(`paymentservice answered ${answer} to its token from the frontend`);
  say(
    `  ${paint.yellow('let in')}   the frontend pays with the token for paymentservice, which it can read inside its own`,
    `           ${paint.bold('paymentservice')} answers ${paint.yellow(answer)}: nobody checks who presents a token (caller: none)`,
    '',
    'The tokens of the refused requests, as they were issued and where they were meant to go, were let in.',
  );
}

async function present(
  { service, operation }: Operation,
  token: string,
  { addresses }: Shop,
): Promise<string> {
  const { method, url } = addressOf(addresses[service] ?? '', operation);
  const response = await fetch(url, { method, headers: { authorization: `Bearer ${token}` } });
  const { code } = (await response.json()) as { code?: string };
  const [, error] = /error="(\w+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
  return [response.status, error, code].filter((part) => part !== undefined).join(' ');
}

/** The token of a callee, found inside another by the names on the way. */
function child(token: string, ...way: readonly string[]): string {
  return way.reduce((parent, name) => {
    const { embedded } = decodeJwt<{ embedded?: Record<string, string> }>(parent);
    const found = embedded?.[name];
    if (found === undefined) throw new DemoFailed(`a token lacks the one for ${name}`);
    return found;
  }, token);
}

/** The token with another child in it, and the signature that it had. */
function withChild(token: string, name: string, stranger: string): string {
  const [header, , signature] = token.split('.');
  const claims = decodeJwt<{ embedded?: Record<string, string> }>(token);
  const forged = JSON.stringify({ ...claims, embedded: { ...claims.embedded, [name]: stranger } });
  return [header, Buffer.from(forged).toString('base64url'), signature].join('.');
}
