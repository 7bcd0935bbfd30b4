/** Addresses that a handler calls: which of the request's tokens goes where. */
import { extractor } from '../../../src/middleware/index.ts';
import type { Dice } from '../dice.ts';
import { refusal } from '../judge.ts';
import { editText } from '../mutate/bytes.ts';
import { ACCEPTED, Broken, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { plainText, requirePlain, type PlainToken } from '../world/plain.ts';
import { CHECKOUT, FRONT, ISSUER, claimsOf, clock, openShop, publishedBy, type Shop } from '../world/shop.ts';

const ROUTES = {
  'http://mail:8080/v2': 'mail',
  'http://search.local': 'https://search.fuzz.example:8443/find',
};

/** Pieces of addresses that servers and parsers read differently. */
const PIECES = [
  ...['..', '.', '..;', '..;x=1', ';x=1', '%2e%2e', '%2e.', '.%2E', '%252e%252e', '..%2f', '%2f', '%5c'],
  ...['\\', '//'],
  ...['..%00', '%00', '..%0d', '\t', '\n', ' ', '%20', '%09', '?', '#', '@', ':', 'a@b', '%zz'],
  ...['%c0%ae%c0%ae', '..%c0%af'],
  ...['\u3002', '\uff0e\uff0e', '\uff0f', '%ef%bc%8f', '\u200b', '..%3b', '..%3bx', '%3b', 'charge'],
  ...['admin', '~', '*'],
];

export const addresses: Target = {
  name: 'addresses',
  reads: 'addresses that `waybill.fetch` is given',
  open,
};

async function open(): Promise<OpenTarget> {
  const shop = await openShop();
  const called: string[] = [];
  const published = publishedBy(shop.keys);
  const fetch: typeof globalThis.fetch = async (address, init) => {
    if (new Headers(init?.headers).get('authorization') === null) return published(address, init);
    called.push(address instanceof Request ? address.url : address.toString());
    called.push(new Headers(init?.headers).get('authorization') ?? '');
    return new Response('');
  };
  const contexts = await Promise.all(
    [FRONT, CHECKOUT].map(async (audience) => {
      const token = shop.tokens.trees.find((tree) => claimsOf(tree)['aud'] === audience) ?? '';
      const service = extractor({
        ...{ issuer: ISSUER, audience, caller: 'none', clock, fetch },
        ...{ jwksUri: `${ISSUER}/jwks`, routes: ROUTES },
      });
      const context = await service.authenticate({ authorization: `Bearer ${token}` });
      return { context, parent: await requirePlain(token, 'the extractor', audience), token };
    }),
  );
  const bases = [
    ...[...shop.plan.services.values()].map((service) => service.audience),
    ...Object.keys(ROUTES),
  ];
  return {
    input: (dice) => Buffer.from(input(bases, dice)),
    async run(bytes) {
      const address = bytes.toString('utf8');
      let outcome: Outcome = ACCEPTED;
      for (const { context, parent, token } of contexts) {
        called.length = 0;
        try {
          await context.fetch(address);
          requireWithin(called, parent, token, shop);
          return ACCEPTED;
        } catch (error) {
          outcome = refusal(error, shop.secrets);
        }
      }
      return outcome;
    },
  };
}

function input(bases: readonly string[], dice: Dice): string {
  let address = dice.pick(bases);
  for (let pieces = dice.below(5); pieces > 0; pieces -= 1) {
    const piece = dice.pick(PIECES);
    const at = dice.oneIn(3) ? dice.below(address.length + 1) : address.length;
    address = address.slice(0, at) + (dice.oneIn(4) ? piece : `/${piece}`) + address.slice(at);
  }
  return dice.oneIn(4) ? editText(address, bases, dice) : address;
}

/** The sent token must be meant for this address, however a server reads the path. */
function requireWithin(called: readonly string[], parent: PlainToken, own: string, { plan }: Shop): void {
  const [address = '', authorization = ''] = called;
  const sent = authorization.replace(/^Bearer /, '');
  const nested = plainText(sent) ?? '';
  const isChild = Object.values(parent.payload.embedded ?? {}).includes(nested);
  if (!isChild && sent !== own)
    throw new Broken('plain path', 'fetch sends a token that is not of this request');
  const audience = String([claimsOf(nested)['aud']].flat()[0]);
  const service = [...plan.services.values()].find((one) => one.audience === audience);
  const routed = Object.entries(ROUTES).filter(([, to]) => to === audience || to === service?.name);
  const bases = [audience, ...routed.map(([from]) => from)];
  const readings = pathsOf(address);
  for (const base of bases) {
    const { origin, pathname } = new URL(base);
    const within = pathname === '/' ? '' : pathname;
    if (new URL(address).origin !== origin || new URL(address).username !== '') continue;
    if (readings.every((path) => path === within || path.startsWith(`${within}/`))) return;
  }
  throw new Broken('plain path', 'fetch sends a token to an address that a server may read as another one');
}

/** The path as it is sent, and as servers read it that decode it, take parameters out, or take `\` for `/`. */
function pathsOf(address: string): string[] {
  const sent = new URL(address).pathname;
  const readings = [sent, decoded(sent)].flatMap((path) => [path, path.replace(/;[^/]*/g, '')]);
  return [...new Set(readings.map((path) => resolved(path.replaceAll('\\', '/'))))];
}

function decoded(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (escape) =>
    String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  );
}

/** RFC 3986 section 5.2.4. */
function resolved(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`.replace(/\/$/, '');
}
