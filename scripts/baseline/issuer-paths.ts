/** The issuer's operations in process, without HTTP and without authentication. */
import type { IssuedTree, Introspection, Issuer, ServicePlan } from 'waybill';
import { CLIENT, ENTRY } from '../bench/online-boutique.ts';
import { SCOPE } from '../bench/order/strategies.ts';
import { clock, issuerOf, type Checkout } from './checkout.ts';
import type { Inputs } from './inputs.ts';
import { cycle, type Operation } from './operation.ts';

/** Of Online Boutique's tree for an order. */
const TOKENS = 12;
const CALLEE = 'checkoutservice';
/** Subject tokens that take turns. */
const SUBJECTS = 50;

/** A tree for an order. */
export async function issue(
  checkout: Checkout,
  { embedding }: Inputs,
): Promise<Operation<undefined, IssuedTree>> {
  const issuer = await issuerOf(checkout, embedding);
  return {
    input: () => undefined,
    call: () => order(issuer),
    sizes(_, { token, tokens }) {
      if (tokens !== TOKENS) throw new TypeError(`the tree has ${tokens} tokens, not ${TOKENS}`);
      return { reads: 0, makes: token.length };
    },
  };
}

/** The entry fetches the token of its next call, where the graph embeds none. */
export async function exchange(
  checkout: Checkout,
  { exchanging }: Inputs,
): Promise<Operation<string, IssuedTree>> {
  const issuer = await issuerOf(checkout, exchanging);
  const service = serviceOf(issuer, ENTRY);
  return {
    input: await subjectTokens(issuer),
    call: (subjectToken) =>
      issuer.exchange(service, { subjectToken, audiences: [CALLEE], resources: [], scopes: [] }),
    sizes(subjectToken, { entry, tokens, token }) {
      if (entry !== CALLEE || tokens !== 1) throw new TypeError(`${tokens} tokens for ${entry} were issued`);
      return { reads: subjectToken.length, makes: token.length };
    },
  };
}

/** The entry introspects the root of a tree. */
export async function introspect(
  checkout: Checkout,
  { embedding }: Inputs,
): Promise<Operation<string, Introspection>> {
  const issuer = await issuerOf(checkout, embedding);
  const party = { kind: 'service', service: serviceOf(issuer, ENTRY) } as const;
  return {
    input: await subjectTokens(issuer),
    call: (token) => issuer.introspect(party, { token }),
    sizes(token, answer) {
      if (!answer.active || answer.claims?.['iat'] !== clock())
        throw new TypeError('the token is not active');
      return { reads: token.length, makes: Buffer.byteLength(JSON.stringify(answer.claims)) };
    },
  };
}

function order(issuer: Issuer): Promise<IssuedTree> {
  const client = issuer.plan.clients.get(CLIENT);
  if (!client) throw new TypeError(`the graph has no client ${CLIENT}`);
  return issuer.issue(client, { scopes: [SCOPE], encoding: 'nested' });
}

function serviceOf({ plan }: Issuer, name: string): ServicePlan {
  const service = plan.services.get(name);
  if (!service) throw new TypeError(`the graph has no service ${name}`);
  return service;
}

/** A new text each time, never hashed or compared, as a server gets it. */
async function subjectTokens(issuer: Issuer): Promise<() => string> {
  const tokens: Buffer[] = [];
  while (tokens.length < SUBJECTS) tokens.push(Buffer.from((await order(issuer)).token));
  const next = cycle(tokens);
  return () => next().toString('latin1');
}
