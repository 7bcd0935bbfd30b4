/** What the shop's own pages do: one request to the issuer, then the order, with the token that came. */
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { addressOf, type Operation } from './operations.ts';
import type { Hop } from './shop.ts';
import { DemoFailed } from './terminal.ts';

export const CLIENT = 'storefront';
export const SCOPE = 'checkout';
export const ORDER: Operation = { service: 'frontend', operation: 'POST /cart/checkout' };

const PATIENCE_MS = 10_000;
/** The issuer is on loopback, where plain HTTP is allowed. */
const LOOPBACK = { [oauth.allowInsecureRequests]: true };

/** An order as it went: its token, its hops, and what the issuer was asked from token request to answer. */
export interface Order {
  readonly token: string;
  readonly hops: readonly Hop[];
  readonly requests: readonly string[];
}

export async function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...LOOPBACK });
  return oauth.processDiscoveryResponse(url, response);
}

/** RFC 6749 section 4.4. @returns the root of the token tree. */
export async function requestToken(server: oauth.AuthorizationServer, secret: string): Promise<string> {
  const client = { client_id: CLIENT };
  const authentication = oauth.ClientSecretBasic(secret);
  const parameters = { scope: SCOPE };
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    authentication,
    parameters,
    LOOPBACK,
  );
  return (await oauth.processClientCredentialsResponse(server, client, response)).access_token;
}

/** @returns the transaction of the token, which is the order's in all reports. */
export async function placeOrder(token: string, frontend: string): Promise<string> {
  const { method, url } = addressOf(frontend, ORDER.operation);
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) {
    const { detail } = (await response.json()) as { detail?: string };
    throw new DemoFailed(`${ORDER.operation} was answered ${response.status}: ${detail}`);
  }
  await response.text();
  return String(decodeJwt(token)['txn']);
}
