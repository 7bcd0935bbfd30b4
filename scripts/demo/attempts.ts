/** Requests of someone who may be up to no good: made, compared with what they should be answered, and shown. */
import { decodeJwt } from 'jose';
import type { Certificate } from './programs/child.ts';
import { meshFetch } from './programs/mesh.ts';
import { addressOf, type Operation } from './programs/operations.ts';
import { DemoFailed, paint, say } from './terminal.ts';
import type { World } from './world.ts';

export interface Attempt {
  readonly tried: string;
  /** Who answers. */
  readonly at: string;
  /** @returns status, error and code of the answer, as `answerOf` writes them. */
  readonly make: () => Promise<string>;
  readonly expected: string;
  readonly why: string;
  /** The same with nothing wrong in it: must be answered 200, or the refusal would prove nothing. */
  readonly meant?: () => Promise<string>;
}

/** @throws DemoFailed for any answer but the expected one. */
export async function attempt(
  { tried, at, make, expected, why, meant }: Attempt,
  world: World,
): Promise<void> {
  const answer = await make();
  if (answer !== expected)
    throw new DemoFailed(`${tried}: ${at} answered ${answer}, and should have answered ${expected}`);
  const refused = answer !== '200';
  if (refused && (await world.shop.hops()).length > 0)
    throw new DemoFailed(`${tried}: ${at} handled the request all the same`);
  const control = await meant?.();
  if (control !== undefined && control !== '200')
    throw new DemoFailed(`${tried}: with nothing wrong in it, the request was answered ${control}`);
  await world.shop.hops();
  await world.gateway.seen();
  const [colour, verdict] = refused ? [paint.green, 'refused'] : [paint.yellow, 'let in '];
  say(`  ${colour(verdict)}  ${tried}`, `           ${paint.bold(at)}: ${paint.cyan(answer)}, ${why}`);
}

export const NO_CONNECTION = 'no connection';

/** @param as whose certificate is shown; none where it is absent. */
export async function present(
  { service, operation }: Operation,
  token: string,
  { plan, shop }: World,
  as?: Certificate,
): Promise<string> {
  const { method, url } = addressOf(plan.services.get(service)?.audience ?? '', operation);
  const headers = { authorization: `Bearer ${token}` };
  const response = await meshFetch(shop.mesh(as))(url, { method, headers }).catch(tlsFailure);
  return response === undefined ? NO_CONNECTION : answerOf(response);
}

/** TLS 1.3 tells a client that its certificate is missed only after its own part of the handshake. */
function tlsFailure(error: unknown): undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code !== 'ECONNRESET' && !code.startsWith('ERR_SSL_TLSV13_ALERT_CERTIFICATE')) throw error;
}

/** `error` of the challenge (RFC 6750) or of the body (RFC 6749), and the code of the problem document. */
export async function answerOf(response: Response): Promise<string> {
  const body = (await response.json()) as { code?: string; error?: string };
  const [, challenge] = /error="(\w+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
  const { code, error = challenge } = body;
  return [response.status, error, code].filter((part) => part !== undefined).join(' ');
}

/** RFC 8693 section 2.1, by a service with its own secret. */
export async function exchange(
  by: string,
  token: string,
  audience: string,
  { urls, secrets }: World,
): Promise<string> {
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience,
  };
  const authorization = `Basic ${Buffer.from(`${by}:${secrets.get(by)}`).toString('base64')}`;
  const body = new URLSearchParams(form);
  return answerOf(await fetch(`${urls.issuer}/token`, { method: 'POST', body, headers: { authorization } }));
}

/** The token of a callee, found inside another by the names on the way. */
export function child(token: string, ...way: readonly string[]): string {
  return way.reduce((parent, name) => {
    const { embedded } = decodeJwt<{ embedded?: Record<string, string> }>(parent);
    const found = embedded?.[name];
    if (found === undefined) throw new DemoFailed(`a token lacks the one for ${name}`);
    return found;
  }, token);
}
