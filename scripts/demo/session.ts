/** What a user does at a browser: logs in, opens pages of the shop with the token that came of it, logs out. */
import { Browser, type Visit } from '../../test/support/provider/browser.ts';
import type { SeenLogin, Session } from './programs/storefront.ts';
import { addressOf } from './programs/operations.ts';
import { DemoFailed } from './terminal.ts';
import type { User, World } from './world.ts';

const PATIENCE_MS = 30_000;

export interface LoggedIn {
  readonly user: User;
  /** The token of the shop. */
  readonly token: string;
  /** Seconds. */
  readonly lifetime: number;
  readonly visits: readonly Visit[];
  /** What the storefront saw of it. */
  readonly login: SeenLogin;
}

/** First with a wrong password, which must lead nowhere. */
export async function logIn(user: User, { urls, passwords, storefront }: World): Promise<LoggedIn> {
  const browser = new Browser();
  let page = await browser.open(`${urls.storefront}/login`);
  for (const [password, expected] of [
    [`not ${passwords[user]}`, 401],
    [passwords[user], 200],
  ] as const) {
    const [, action] = /<form method="post" action="([^"]+)">/.exec(page.text) ?? [];
    if (action === undefined)
      throw new DemoFailed(`${page.url} has no form to log in, but status ${page.status}`);
    page = await browser.open(new URL(action, page.url).href, { user, password });
    if (page.status !== expected) throw new DemoFailed(`the login ended with ${page.status}: ${page.text}`);
  }
  const { access_token: token, expires_in: lifetime } = JSON.parse(page.text) as Session;
  const [login, ...more] = await storefront.seen();
  if (!login || more.length > 0) throw new DemoFailed('the storefront saw another number of logins than one');
  return { user, token, lifetime, visits: browser.visits, login };
}

/** @param operation of the frontend, which is behind the gateway. */
export async function openPage(operation: string, token: string, { urls }: World): Promise<Response> {
  const { method, url } = addressOf(urls.gateway, operation);
  const headers = { authorization: `Bearer ${token}` };
  return fetch(url, { method, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
}

export async function logOut({ token }: LoggedIn, { urls }: World): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const { status } = await fetch(`${urls.storefront}/logout`, { method: 'POST', headers });
  if (status !== 204) throw new DemoFailed(`the storefront answered ${status} to the wish to log out`);
}
