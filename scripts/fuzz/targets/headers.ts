/** Header lines that clients send to the gateway: which of them reach the service behind it. */
import { gateway, type Gateway } from '../../../src/middleware/index.ts';
import { CERTIFICATE_HEADER, REFERENCE, certificateLine, type Line } from '../world/requests.ts';
import type { Dice } from '../dice.ts';
import { refusal } from '../judge.ts';
import { editText } from '../mutate/bytes.ts';
import { editJwt } from '../mutate/jwt.ts';
import { ACCEPTED, Broken, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { plainToken, requirePlain } from '../world/plain.ts';
import { serveIssuer, type ServedIssuer } from '../world/served.ts';
import {
  FRONT,
  ISSUER,
  clock,
  forgerKey,
  openShop,
  publishedBy,
  secretOf,
  type Shop,
} from '../world/shop.ts';

export const headers: Target = {
  name: 'headers',
  reads: 'header lines at the gateway, which strips and swaps',
  open,
};

const CERTIFICATES = [CERTIFICATE_HEADER, 'client-cert', 'client-cert-chain', 'ssl-client-cert'];
/** Headers in which proxies and gateways pass on a client's identity, and which services may trust. */
const IDENTITIES = [
  ...CERTIFICATES,
  ...['x-forwarded-user', 'x-ms-client-principal', 'x-apigateway-api-userinfo', 'token', 'x-token'],
  ...['x-bearer'],
  'x-waybill-act',
];
/** Cookies and referers are the client's own; a service that reads tokens there accepts them from anyone. */
const OF_THE_CLIENT = ['cookie', 'referer'];

const NAMES = [
  ...['Authorization', 'authorization', 'X-Authorization', 'X_Authorization', 'Proxy-Authorization'],
  ...['Authorisation'],
  ...['X-Access-Token', 'X-Auth-Token', 'Token', 'X-Token', 'X-Bearer', 'X-JWT-Assertion', 'X-ID-Token'],
  ...['DPoP'],
  ...['X-Amzn-Oidc-Data', 'X-Forwarded-User', 'X-Ms-Client-Principal', 'X-Apigateway-Api-Userinfo'],
  ...['X-Waybill-Act'],
  ...['X-Request-Id', 'Cookie', 'Referer', 'X-Trace', 'X-Own', 'Forwarded', 'Via', 'Host'],
  ...['X-Forwarded-For', 'Warning'],
];
const BEFORE = [
  ...['', 'Bearer ', 'bearer  ', 'DPoP ', 'Basic ', 'Token ', 'token=', '"', "'", '(', '[', '<', '.'],
  ...['%20', '%22'],
  ...[' ', '\t', ',', ';', 'a', 'a.', '-', '/', '?access_token=', '#', '&x=', '{"token":"', 'id_token:'],
  ...['\\', '*', '~'],
];

async function open(): Promise<OpenTarget> {
  const shop = await openShop();
  const served = await serveIssuer(shop);
  const edges = ['plain', 'proxied'].map((kind) => edge(shop, served, kind === 'proxied'));
  return {
    input: (dice) => Buffer.from(input(shop, dice)),
    run: async (bytes) => {
      const [kind = '', ...lines] = bytes
        .toString('utf8')
        .replaceAll(REFERENCE, served.reference)
        .split('\n');
      const headers = lines.map((line): Line => [
        line.split(':', 1)[0] ?? '',
        line.slice(line.indexOf(':') + 1).trim(),
      ]);
      const outcome = await run(edges[kind === 'proxied' ? 1 : 0]!, headers, shop, served);
      served.takeLog();
      return outcome;
    },
    close: () => served.close(),
  };
}

/** It asks the issuer on its port; only the name of the issuer is looked up elsewhere. */
function edge(shop: Shop, served: ServedIssuer, isProxied: boolean): Gateway {
  const published = publishedBy(shop.keys);
  const fetch: typeof globalThis.fetch = async (address, init) => {
    const url = new URL(address instanceof Request ? address.url : address);
    if (url.pathname !== '/introspect') return published(address, init);
    return globalThis.fetch(`${served.url}${url.pathname}`, init);
  };
  return gateway({
    ...{
      issuer: ISSUER,
      clock,
      fetch,
      jwksUri: `${ISSUER}/jwks`,
      introspectionEndpoint: `${ISSUER}/introspect`,
    },
    credentials: { clientId: 'edge', secret: secretOf('edge') },
    ...(isProxied ? { clientCertHeader: CERTIFICATE_HEADER, clientCertFrom: ['127.0.0.1'] } : {}),
  });
}

/** Which gateway, then a header in each line. */
function input({ tokens }: Shop, dice: Dice): string {
  const all = [...tokens.trees, ...tokens.packed, ...tokens.leaves, REFERENCE];
  let token = dice.pick(
    dice.oneIn(3) ? all : [tokens.trees[0]!, tokens.trees[1]!, tokens.packed[0]!, REFERENCE],
  );
  if (dice.oneIn(5)) token = editJwt(token, { others: all, forger: forgerKey.sign }, dice);
  const lines: Line[] = [['Authorization', `Bearer ${token}`]];
  for (let more = dice.below(6); more > 0; more -= 1) {
    const value = dice.oneIn(4) ? 'something else' : dice.pick(BEFORE) + dice.pick(all);
    const name = dice.oneIn(8) ? editText(dice.pick(NAMES), NAMES, dice) : dice.pick(NAMES);
    // A second Authorization makes the gateway refuse the request, so it is rare.
    if (!/^authorization$/i.test(name) || dice.oneIn(10)) lines.push([name, value]);
  }
  if (dice.oneIn(4)) {
    const [, certificate] = certificateLine(dice.pick(['till', 'own', 'other'] as const));
    lines.push([dice.pick(CERTIFICATES), certificate]);
  }
  if (dice.oneIn(2)) lines.reverse();
  return [
    dice.oneIn(2) ? 'plain' : 'proxied',
    ...lines.map(([name, value]) => `${name}: ${value.replaceAll('\n', '')}`),
  ].join('\n');
}

async function run(
  edge: Gateway,
  lines: readonly Line[],
  shop: Shop,
  served: ServedIssuer,
): Promise<Outcome> {
  let swapped;
  try {
    swapped = await edge.swap({ audience: FRONT, headers: lines, method: 'GET', url: '/orders' });
  } catch (error) {
    const given = lines.filter(([name]) => /^authorization$/i.test(name)).map(([, value]) => value);
    return refusal(error, shop.secrets, given.join(' '));
  }
  const { token = '' } = swapped;
  const { payload } = await requirePlain(token, 'the gateway', FRONT);
  if ('act' in payload || 'cnf' in payload)
    throw new Broken('plain path', 'the gateway sends on a token that is not a root, or is bound');
  const presented =
    lines.find(([name]) => name.toLowerCase() === 'authorization')?.[1].replace(/^\w+ +/, '') ?? '';
  const own = presented === served.reference ? undefined : await plainToken(presented);
  if (presented !== served.reference && own?.payload['txn'] !== payload['txn'])
    throw new Broken('plain path', 'the gateway sends on a token that was not presented');
  requireStripped(swapped.headers, token, shop, served);
  return ACCEPTED;
}

/** One Authorization with the swapped token; nothing else that a service could take for a token or an identity. */
function requireStripped(
  lines: readonly Line[],
  token: string,
  { tokens }: Shop,
  served: ServedIssuer,
): void {
  const known = [...tokens.trees, ...tokens.packed, ...tokens.leaves, served.reference];
  const authorizations = lines.filter(([name]) => name.toLowerCase() === 'authorization');
  if (authorizations.length !== 1 || authorizations[0]?.[1] !== `Bearer ${token}`)
    throw new Broken('plain path', 'the gateway sends on another Authorization');
  for (const [name, value] of lines) {
    const lower = name.toLowerCase();
    if (lower === 'authorization' || OF_THE_CLIENT.includes(lower)) continue;
    if (IDENTITIES.includes(lower))
      throw new Broken('plain path', `the gateway sends on a client's ${lower}`);
    if (known.some((one) => holds(value, one)))
      throw new Broken('plain path', 'the gateway sends on a token of a client under another name');
  }
}

/** Whether the text stands alone: after another token character it would be part of another token. */
function holds(value: string, text: string): boolean {
  const at = value.indexOf(text);
  if (at < 0) return false;
  const before = value.slice(0, at);
  return !/[\w-]$/.test(before) || /%[0-9a-f]{2}$/i.test(before);
}
