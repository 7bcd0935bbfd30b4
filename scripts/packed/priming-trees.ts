/**
 * The trees that the model of the packed coding has seen before the first: shops, banks and travel agencies that do
 * not exist, with the words and habits of many. Changing a letter here makes another format.
 */

/** A service and the tokens under it: `name scopes`, then its callees, deeper by two blanks each. */
interface Mesh {
  readonly issuer: string;
  readonly domain: string;
  readonly client: string;
  /** Of a user's tree: `sub`. */
  readonly subject?: string;
  readonly kid: string;
  readonly alg?: string;
  readonly iat: number;
  readonly lifetime: number;
  readonly txn: string;
  readonly branch?: string;
  readonly lines: string;
}

const MESHES: readonly Mesh[] = [
  {
    issuer: 'https://auth.market.example',
    domain: 'market.example',
    client: 'web',
    kid: 'Zq3_xW8k',
    iat: 1_790_000_000,
    lifetime: 300,
    txn: 'pR7dK2vXw0mJ9sTqYb4LgA',
    lines: `
      gateway order:create orders:read
        order-service order:create orders:list
          inventory-service stock:read stock:reserve
            warehouse-service pick reserve
          payment-service charge authorize
            fraud-service score
          shipping-service quote ship
          notification-service notify confirm
        account-service account:read profile:read
        catalog-service products:read products:list product:read
          search-service search
          price-service prices:read
        payment-service refund
          fraud-service score
        review-service reviews:read ratings:read
        user-service user:read users:read users:write`,
  },
  {
    issuer: 'https://tokens.store.example',
    domain: 'store.example',
    client: 'browser',
    kid: 'h0Ab-nE5',
    iat: 1_800_000_000,
    lifetime: 300,
    txn: '3fVhQe1_ZcUuOi8NkDxW5Q',
    lines: `
      frontend items:list item:read basket:read basket:write search login session:read
        items items:list item:read
        basket basket:read basket:add basket:delete
          database rows:read rows:write
        orders order:update orders:list
          basket basket:read basket:clear
          payment authorize capture region=eu
          delivery estimate book
          email send email=alice@store.example
          exchange-rates rates:read
        recommendation suggest
          items items:list
        customer customer:read address:read card:read tier=gold
        content images:read pages:read
        product-catalog products:list`,
  },
  {
    issuer: 'https://id.bank.example',
    domain: 'svc.bank.example',
    client: 'mobile-app',
    subject: 'login:4711-alice',
    kid: 'S6tGy_c1',
    iat: 1_810_000_000,
    lifetime: 600,
    txn: 'Xn2zB7oEaM-rHfC0yPjU6w',
    lines: `
      accounts-api accounts:read transfers:write payments:create
        accounts accounts:read balances:read email=alice@bank.example
          ledger entries:read
        transfers transfers:write transfers:create region=us-west
          ledger entries:write
          fraud-detection evaluate
          audit audit:write
        cards cards:read card:update
        documents-api documents:read documents:write
          storage-api files:read files:write`,
  },
  {
    issuer: 'https://tokens.travel.example',
    domain: 'travel.example',
    client: 'storefront',
    subject: 'staff:bob',
    kid: 'wL9-M4jp',
    iat: 1_795_000_000,
    lifetime: 900,
    txn: 'g5KsI_tD8VaRq1hNzWe3Bg',
    branch: 'uT0xYc7mLp4',
    lines: `
      bookingservice book bookings:read cancel @frontend
        reservationservice reserve availability:read
          hotelservice rooms:read rates:read
          flightservice seats:read seats:hold
          profileservice profiles:read
        customerservice customers:read customer:read
        routingservice route:find nearby > mapservice
        billingservice invoice:create pay
          ledgerservice post`,
  },
  {
    issuer: 'http://localhost:8080',
    domain: '',
    client: 'cli',
    kid: 'd_8RkF2v',
    iat: 1_785_000_000,
    lifetime: 300,
    txn: 'Oa4iJw9bSx6YqG-mT1uZeQ',
    lines: `
      api read write
        worker jobs:run jobs:list
          queue publish
        media images:read video:read
          text-service compose
        timeline timeline:read timeline:write posts:read post
          social-graph follow followers:read
        config flags:evaluate config:read
        agent chat prompt
          tools call
        auth token:verify session:read`,
  },
];

/** The nested JWTs, with signatures of zeros. */
export const PRIMING_TREES: readonly string[] = MESHES.map(treeOf);

function treeOf(mesh: Mesh): string {
  const lines = mesh.lines.split('\n').filter((line) => line.trim() !== '');
  let next = 0;
  const token = (indent: number, caller: string | undefined): readonly [name: string, token: string] => {
    const line = lines[next]!;
    const n = next;
    next += 1;
    const [name = '', ...words] = line.trim().split(' ');
    const embedded: (readonly [string, string])[] = [];
    while (next < lines.length && indentOf(lines[next]!) > indent)
      embedded.push(token(indentOf(lines[next]!), name));
    return [name, compact(mesh, claimsOf(mesh, name, words, caller, n), embedded)];
  };
  return token(indentOf(lines[0]!), undefined)[1];
}

function claimsOf(
  mesh: Mesh,
  name: string,
  words: readonly string[],
  caller: string | undefined,
  n: number,
): object {
  const { issuer, domain, client, subject, branch, iat, lifetime, txn } = mesh;
  const at = words.indexOf('>');
  const before = at < 0 ? words : words.slice(0, at);
  const presenter = caller ?? before.find((word) => word.startsWith('@'))?.slice(1);
  const claims = before.filter((word) => word.includes('=')).map((word) => word.split('='));
  return {
    iss: issuer,
    aud: audienceOf(domain, name),
    sub: subject ?? client,
    client_id: client,
    scope: before.filter((word) => !/[=@]/.test(word)).join(' '),
    iat,
    exp: iat + lifetime,
    jti: [txn, branch, n].filter((part) => part !== undefined).join('.'),
    txn,
    ...(presenter === undefined
      ? {}
      : { act: { sub: domain === '' ? presenter : `spiffe://${domain}/${presenter}` } }),
    ...(Object.fromEntries(claims) as object),
    ...(at < 0
      ? {}
      : {
          on_demand: Object.fromEntries(
            words.slice(at + 1).map((callee) => [callee, audienceOf(domain, callee)]),
          ),
        }),
  };
}

function audienceOf(domain: string, name: string): string {
  return domain === '' ? name : `https://${name}.${domain}`;
}

function compact(
  { alg = 'ES256', kid }: Mesh,
  claims: object,
  embedded: readonly (readonly [string, string])[],
): string {
  const payload = embedded.length === 0 ? claims : { ...claims, embedded: Object.fromEntries(embedded) };
  const parts = [{ alg, typ: 'at+jwt', kid }, payload].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return [...parts, Buffer.alloc(64).toString('base64url')].join('.');
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
