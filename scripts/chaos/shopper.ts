/**
 * Sends the requests of clients and services, and judges every answer. It remembers used assertions and revoked tokens, to
 * try them again later: none may be accepted.
 */
import type { JSONWebKeySet } from 'jose';
import type { Account, Verdict } from './account.ts';
import { Connections, NoAnswer, type Answer } from './connection.ts';
import { basic, fromSomewhere, type Bot, type Client } from './shop.ts';
import { Verifier } from './verifier.ts';

/** Of RFC 7523 section 2.2. */
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ORDER = 'order';
/** Remembered items of each kind: the first and the last ones. */
const REMEMBERED = 60;

interface Request {
  readonly path: '/token' | '/introspect' | '/revoke';
  readonly form: Readonly<Record<string, string>>;
  readonly as: Client | 'bot';
}

type Judge = (answer: Answer) => Promise<Verdict> | Verdict;

export class Shopper {
  /** Servers that may be asked; one is chosen for each request. */
  readonly servers = new Set<string>();
  /** Seconds by which the clocks of issuer and clients are ahead of the one here. */
  ahead = 0;
  /** Revoked tokens that were active again after such a loss. */
  forgotten = 0;
  /** How often data loss began and ended: odd while the store may lose data. */
  #losses = 0;
  readonly #issuer: string;
  readonly #account: Account;
  readonly #bot: Bot;
  readonly #verifier: Verifier;
  readonly #used: string[] = [];
  #revoked: string[] = [];

  /** @param issuer the URL that tokens name. */
  constructor(issuer: string, account: Account, bot: Bot) {
    this.#issuer = issuer;
    this.#account = account;
    this.#bot = bot;
    this.#verifier = new Verifier(() => this.#fetchKeys());
  }

  /** A token of the client `web`, which needs no store. */
  async issue(lane: Connections, scope = ORDER): Promise<string | undefined> {
    return this.#issueTo(lane, 'web', scope);
  }

  /** An opaque token of the client `ref`. */
  async issueReference(lane: Connections): Promise<string | undefined> {
    const form = { grant_type: 'client_credentials', scope: ORDER };
    return tokenOf(await this.#send(lane, { path: '/token', form, as: 'ref' }, judgeStatus));
  }

  /** Asks for a scope that the client `web` does not have. */
  async askInVain(lane: Connections, scope: string): Promise<boolean> {
    const form = { grant_type: 'client_credentials', scope };
    const judge: Judge = (answer) =>
      answer.status === 200
        ? { wrong: `the scope ${scope}, which the graph no longer has` }
        : answer.body['error'] === 'invalid_scope'
          ? 'right'
          : toldBy(answer);
    return (await this.#send(lane, { path: '/token', form, as: 'web' }, judge)) !== undefined;
  }

  /** A large tree; only its root is checked unless `isThorough`. */
  async issueBulk(lane: Connections, isThorough: boolean): Promise<Answer | undefined> {
    const form = { grant_type: 'client_credentials', scope: 'all' };
    const judge: Judge = isThorough ? this.#judgeTree('bulk', 'all') : judgeStatus;
    return this.#send(lane, { path: '/token', form, as: 'bulk' }, judge);
  }

  /** Authenticates with an assertion, and once more with the same one. */
  async useAssertion(lane: Connections): Promise<string | undefined> {
    const assertion = await this.#bot.assertion(this.#issuer, this.ahead);
    const judge = this.#judgeTree('bot', ORDER);
    if (!(await this.#send(lane, this.#withAssertion(assertion), judge))) return undefined;
    remember(this.#used, assertion);
    await this.useAgain(lane, assertion);
    return assertion;
  }

  async useAgain(lane: Connections, assertion: string): Promise<boolean> {
    const judge: Judge = (answer) =>
      answer.status === 200
        ? { wrong: 'an assertion that was used before' }
        : answer.body['error'] === 'invalid_client'
          ? 'right'
          : toldBy(answer);
    return (await this.#send(lane, this.#withAssertion(assertion), judge)) !== undefined;
  }

  /** A token is issued, found active, revoked, and found inactive. */
  async issueAndRevoke(lane: Connections, as: 'app' | 'ref'): Promise<void> {
    const token = as === 'ref' ? await this.issueReference(lane) : await this.#issueTo(lane, as, ORDER);
    if (token === undefined || !(await this.introspect(lane, token, true))) return;
    const losses = this.#losses;
    if (!(await this.revoke(lane, token, as))) return;
    await this.introspect(lane, token, false, losses);
  }

  /** From now on the store may lose data, until `endLoss`. */
  beginLoss(): void {
    if (this.#losses % 2 === 0) this.#losses += 1;
  }

  endLoss(): void {
    if (this.#losses % 2 === 1) this.#losses += 1;
  }

  async revoke(lane: Connections, token: string, as: Client): Promise<boolean> {
    const request = { path: '/revoke', form: { token }, as } as const;
    if (!(await this.#send(lane, request, judgeStatus))) return false;
    remember(this.#revoked, token);
    return true;
  }

  /**
   * @param mayBeActive false: an answer that calls it active is wrong.
   * @param losses as they were when it was revoked. The revocation may be lost since.
   */
  async introspect(
    lane: Connections,
    token: string,
    mayBeActive: boolean,
    losses = this.#losses,
  ): Promise<boolean> {
    const judge: Judge = (answer) => {
      const { status, body } = answer;
      if (status !== 200) return toldBy(answer);
      if (body['active'] === mayBeActive) return 'right';
      if (mayBeActive) return { told: 'inactive' };
      if (losses !== this.#losses || losses % 2 === 1) return 'right'; // `countForgotten` counts it
      return { wrong: 'a token that has been revoked, or has expired' };
    };
    const request = { path: '/introspect', form: { token }, as: 'shop' } as const;
    return (await this.#send(lane, request, judge)) !== undefined;
  }

  /** Tokens revoked so far may be active again; those are counted. */
  async countForgotten(lane: Connections): Promise<void> {
    const before = this.#revoked;
    this.#revoked = [];
    for (const token of before) {
      const judge: Judge = (answer) => {
        const { status, body } = answer;
        if (status !== 200) return toldBy(answer);
        if (body['active'] === true) this.forgotten += 1;
        return 'right';
      };
      await this.#send(lane, { path: '/introspect', form: { token }, as: 'shop' }, judge);
    }
  }

  /**
   * Tries everything again that was used up or revoked, at each server.
   *
   * @returns how many items were refused explicitly.
   */
  async tryAll(lane: Connections): Promise<number> {
    let refused = 0;
    for (const server of this.servers) {
      for (const assertion of this.#used) if (await this.#at(server).useAgain(lane, assertion)) refused += 1;
      for (const token of this.#revoked)
        if (await this.#at(server).introspect(lane, token, false)) refused += 1;
    }
    return refused;
  }

  async #issueTo(lane: Connections, as: 'web' | 'app', scope: string): Promise<string | undefined> {
    const form = { grant_type: 'client_credentials', scope };
    return tokenOf(await this.#send(lane, { path: '/token', form, as }, this.#judgeTree(as, scope)));
  }

  /** A copy that asks only one server. */
  #at(server: string): Shopper {
    const other = new Shopper(this.#issuer, this.#account, this.#bot);
    other.servers.add(server);
    return other;
  }

  #withAssertion(assertion: string): Request {
    const form = {
      grant_type: 'client_credentials',
      scope: ORDER,
      client_assertion_type: JWT_BEARER,
      client_assertion: assertion,
    };
    return { path: '/token', form, as: 'bot' };
  }

  #judgeTree(client: string, scope: string): Judge {
    return async (answer) => {
      const { status, body } = answer;
      if (status !== 200) return toldBy(answer);
      const expected = { issuer: this.#issuer, client, scope, ahead: this.ahead };
      const fault = await this.#verifier.findFault(String(body['access_token']), expected);
      return fault === undefined ? 'right' : { wrong: fault };
    };
  }

  /** @returns the answer if it is the expected one. */
  async #send(lane: Connections, { path, form, as }: Request, judge: Judge): Promise<Answer | undefined> {
    const url = this.#choose();
    const ended = this.#account.send();
    try {
      const headers = as === 'bot' ? fromSomewhere() : basic(as);
      const answer = await lane.post({ url, path, form, headers });
      const verdict = await judge(answer);
      ended(verdict);
      return verdict === 'right' ? answer : undefined;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const { isUnsent, port, openedAt, message: reason } = error;
      ended({ url, isUnsent, port, openedAt, reason });
      return undefined;
    }
  }

  #choose(): string {
    const servers = [...this.servers];
    const server = servers[Math.floor(Math.random() * servers.length)];
    if (server === undefined) throw new TypeError('there is no server to ask');
    return server;
  }

  /** From any server that answers. Keys are published without a store. */
  async #fetchKeys(): Promise<JSONWebKeySet> {
    const lane = new Connections();
    try {
      const { body } = await lane.get(`${this.#choose()}/jwks`);
      return body as unknown as JSONWebKeySet;
    } finally {
      lane.close();
    }
  }
}

const judgeStatus: Judge = (answer) => (answer.status === 200 ? 'right' : toldBy(answer));

/** RFC 9110 section 15.6.4: a 503 answer should say when to try again. */
function toldBy({ status, body, headers }: Answer): Verdict {
  const code = typeof body['error'] === 'string' ? body['error'] : `status ${status}`;
  return {
    told: status === 503 && headers['retry-after'] === undefined ? `${code} without Retry-After` : code,
  };
}

function tokenOf(answer: Answer | undefined): string | undefined {
  return answer && String(answer.body['access_token']);
}

function remember(list: string[], text: string): void {
  if (list.length >= REMEMBERED) list.splice(REMEMBERED / 2, 1);
  list.push(text);
}
