/** Forms and headers at the issuer's endpoints, on real connections. */
import { corpus } from '../corpus/corpus.ts';
import { requireSilent, type Secrets } from '../judge.ts';
import { editedRequest } from '../mutate/request.ts';
import { ACCEPTED, Broken, refusedAs, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { plainToken, requirePlain } from '../world/plain.ts';
import { REFERENCE, rightRequest } from '../world/requests.ts';
import { serveIssuer, type ServedIssuer } from '../world/served.ts';
import { clientKey, openShop, secretOf, type Shop } from '../world/shop.ts';

export const requests: Target = {
  name: 'requests',
  reads: 'forms and headers of /token, /introspect and /revoke',
  open,
};

/** Answers that Node sends by itself, before there is a request: they have no body. */
const OF_NODE = [400, 408, 413, 417, 431];

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function open(): Promise<OpenTarget> {
  const shop = await openShop();
  const served = await serveIssuer(shop);
  return {
    input: (dice) => editedRequest(rightRequest(shop, dice), dice),
    run: async (input) => {
      const request = input.toString('latin1').replaceAll(REFERENCE, served.reference);
      const received = await served.send(Buffer.from(request, 'latin1'));
      judgeLog(served, shop.secrets);
      const answers = answersIn(received);
      if (answers.length === 0) return refusedAs('no_answer');
      const outcomes: Outcome[] = [];
      for (const answer of answers) outcomes.push(await judge(answer, request, shop, served));
      return outcomes[0]!;
    },
    close: () => served.close(),
  };
}

/** No token and no secret is logged, and no error that the issuer blames on itself. */
function judgeLog(served: ServedIssuer, secrets: Secrets): void {
  for (const line of served.takeLog()) {
    requireSilent(line, secrets);
    const { level, err } = JSON.parse(line) as { level: number; err?: { type?: string; stack?: string } };
    if (level < 50) continue;
    const [, place = 'outside src'] = /\/(src\/[^:)]+\.ts:\d+)/.exec(err?.stack ?? '') ?? [];
    throw new Broken(
      'every error has a code',
      `${err?.type ?? 'an error'} at ${place} is logged as a failure`,
    );
  }
}

/** More than one if the bytes after the request were read as another request. */
function answersIn(received: string): Answer[] {
  return received
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((text) => text.startsWith('HTTP/1.1 ') && !text.startsWith('HTTP/1.1 100 '))
    .map((text) => {
      const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
      const type = /^content-type: ([^;\r]*)/im.exec(head)?.[1] ?? '';
      return { status: Number(text.slice(9, 12)), type: type.toLowerCase(), body };
    });
}

async function judge(answer: Answer, request: string, shop: Shop, served: ServedIssuer): Promise<Outcome> {
  const { status, type, body } = answer;
  if (status >= 500 && status !== 503) throw new Broken('no crash', `an answer has the status ${status}`);
  if (status === 204) return refusedAs('not_active');
  if (status === 200) {
    if (type === 'application/jwt') await requireGenuine(body, request, served);
    else if (type === 'application/json') await judgeJson(body, request, shop, served);
    return ACCEPTED;
  }
  requireSilent(body, shop.secrets);
  if (body === '' || type === '') {
    if (OF_NODE.includes(status)) return refusedAs(`http_${status}`);
    throw new Broken('every error has a code', `an answer with the status ${status} has no body`);
  }
  return refusedAs(codeIn(answer));
}

/** RFC 6749 section 5.2, or RFC 9457. */
function codeIn({ status, type, body }: Answer): string {
  const { error, error_description: description, status: told } = parsed(body);
  if (type === 'application/problem+json' && told === status) return `http_${status}`;
  if (type !== 'application/json' || typeof error !== 'string' || !/^[a-z_]+$/.test(error))
    throw new Broken('every error has a code', `an answer with the status ${status} is no OAuth error`);
  if (typeof description !== 'string' || !/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/.test(description))
    throw new Broken('every error has a code', 'an error_description has characters that it cannot have');
  return error;
}

async function judgeJson(body: string, request: string, shop: Shop, served: ServedIssuer): Promise<void> {
  const answer = parsed(body);
  if (typeof answer['access_token'] === 'string') await judgeToken(answer, request, shop);
  if (answer['active'] !== true) return;
  const [token = ''] = new URLSearchParams(bodyOf(request)).getAll('token');
  if (token !== served.reference) await requirePlain(token, 'introspection');
}

/** The owner of the token must have authenticated, and its scopes must be of the calls that the graph gives it. */
async function judgeToken(answer: Record<string, unknown>, request: string, { plan }: Shop): Promise<void> {
  const { access_token: token, scope } = answer as { access_token: string; scope: string };
  const isReference = token.startsWith('wbo_');
  const claims = isReference
    ? { client_id: 'site' }
    : (await requirePlain(token, 'the token endpoint')).payload;
  const client = plan.clients.get(String(claims['client_id']));
  const scopes = new Set(client?.calls.flatMap((call) => call.scopes.map(({ name }) => name)));
  if (!('act' in claims)) {
    if (!scope.split(' ').every((name) => scopes.has(name)))
      throw new Broken('plain path', 'a scope is issued that the graph does not give the client');
    return requireAuthenticated(client?.name ?? '', request);
  }
  const services = [...plan.services.keys()].filter((name) => isShown(secretOf(name), request));
  if (services.length === 0)
    throw new Broken('plain path', 'a token is exchanged for a party that does not authenticate');
}

/** Each client has one way to authenticate; the request must have what it needs. */
function requireAuthenticated(name: string, request: string): void {
  const [assertion = ''] = new URLSearchParams(bodyOf(request)).getAll('client_assertion');
  const signed = assertion.slice(0, assertion.lastIndexOf('.'));
  const shown =
    name === 'keyed'
      ? assertion === `${signed}.${clientKey.sign(signed)}`
      : name === 'till' || name === 'own'
        ? isCertificateShown(corpus.certificates[name].base64, request)
        : isShown(secretOf(name), request);
  if (!shown) throw new Broken('plain path', `a token of ${name} is issued without its authentication`);
}

function isShown(secret: string, request: string): boolean {
  const basics = [...request.matchAll(/^authorization: *basic +(\S+)/gim)].map(([, pair = '']) =>
    decodeForm(Buffer.from(pair, 'base64').toString('utf8')),
  );
  const posted = new URLSearchParams(bodyOf(request)).getAll('client_secret');
  return basics.some((pair) => pair.endsWith(`:${secret}`)) || posted.includes(secret);
}

function isCertificateShown(base64: string, request: string): boolean {
  return decodeForm(request).replace(/\s/g, '').includes(base64);
}

function decodeForm(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** A swap answers with the tree that was asked about. */
async function requireGenuine(given: string, request: string, served: ServedIssuer): Promise<void> {
  const answered = await plainToken(given);
  const [token = ''] = new URLSearchParams(bodyOf(request)).getAll('token');
  const asked = token === served.reference ? undefined : await plainToken(token);
  const isOfReference = token === served.reference && answered?.payload['client_id'] === 'site';
  if (answered && (isOfReference || asked?.payload['txn'] === answered.payload['txn'])) return;
  throw new Broken('plain path', 'a swap gives a token that was not asked for');
}

function bodyOf(request: string): string {
  return request.split(/\r\n\r\n(.*)/s)[1] ?? '';
}

function parsed(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    throw new Broken('every error has a code', 'an answer with the type JSON is not JSON');
  }
}
