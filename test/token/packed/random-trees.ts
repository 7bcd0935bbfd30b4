/** Random nested tokens: like those of an issuer, and unlike any. Nothing in them is signed; the coding does not care. */
import fc from 'fast-check';

const base64url = (data: string | Uint8Array): string => Buffer.from(data as string).toString('base64url');

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
const oddName = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'embedded',
    'aud',
    'act',
    'jti',
    'txn',
    'scope',
    'iat',
    'exp',
    '',
    '7',
    '01',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);
const name = fc.oneof({ weight: 6, arbitrary: label }, { weight: 1, arbitrary: oddName });

const signature = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ minLength: 64, maxLength: 64 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 1, 63, 114, 256, 384, 512).map((bytes) => new Uint8Array(bytes).fill(0xa5)),
  },
);

const ourHeader = fc
  .record({
    alg: fc.constantFrom('ES256', 'ES256', 'ES256', 'Ed25519', 'PS256', 'RS256'),
    typ: fc.constant('at+jwt'),
    kid: fc.constantFrom('Zq3_xW8k', 'h0Ab-nE5', 'ES256-1', '', 'a"b'),
  })
  .map((header) => JSON.stringify(header));
const oddHeader = fc.oneof(
  fc.dictionary(oddName, fc.jsonValue(), { maxKeys: 3 }).map((header) => JSON.stringify(header)),
  fc.constantFrom(
    '{"alg" : "none"}',
    '{}',
    '',
    'null',
    '{"alg":"ES256","alg":"none"}',
    '{"a":"\u0000"}',
    '\u0000',
  ),
);
const header = fc.oneof({ weight: 6, arbitrary: ourHeader }, { weight: 1, arbitrary: oddHeader });

/** A JSON text for a value, spelled as it is or in another way. */
const oddValue = fc.constantFrom(
  '1.0',
  '1e3',
  '-0',
  '12345678901234567890',
  '"\\u0041"',
  '"\\/"',
  '{"a":1,"a":2}',
  '[ ]',
  '"\u007f"',
);
const value = fc.oneof(
  { weight: 5, arbitrary: fc.jsonValue().map((json) => JSON.stringify(json)) },
  { weight: 1, arbitrary: oddValue },
);

/** Claims as an issuer writes them, each left out or strange now and then. */
const claims = fc
  .record(
    {
      iss: fc.constantFrom('https://tokens.shop.example', 'http://127.0.0.1:8080', 'issuer', 'https://'),
      aud: fc.oneof(
        label.map((text) => `https://${text}.shop.example`),
        label,
        fc.constantFrom('', 'a"b', 'https://', 'https://:1/x'),
      ),
      sub: fc.constantFrom('web', 'login:alice', 'caf\u00e9 "x"'),
      client_id: fc.constantFrom('web', 'batch'),
      scope: fc.oneof(
        fc.array(label, { maxLength: 4 }).map((scopes) => scopes.join(' ')),
        fc.constantFrom(' ', 'a  b', 'x'),
      ),
      iat: fc.constantFrom(1_800_000_000, 1_800_000_001, 0, -1, 1.5),
      exp: fc.constantFrom(1_800_000_300, 1_799_999_999, 99_999_999_999_999, 1e300),
      jti: fc.constantFrom(
        'Su8WNTctWx_KQyMWzcrfnQ.0',
        'Su8WNTctWx_KQyMWzcrfnQ.3',
        'Su8WNTctWx_KQyMWzcrfnQ.007',
        '.9',
        'x.999999999',
        'none',
      ),
      txn: fc.constantFrom('Su8WNTctWx_KQyMWzcrfnQ', 'none', ''),
      act: fc.constantFrom(
        { sub: 'spiffe://shop.example/root' },
        { sub: 'root' },
        { sub: 'x', act: {} },
        'x',
      ),
      on_demand: fc.dictionary(
        label,
        label.map((text) => `https://${text}.shop.example`),
        { maxKeys: 3 },
      ),
    },
    { requiredKeys: [] },
  )
  .map((record) => Object.entries(record).map(([key, json]) => [key, JSON.stringify(json)] as const));

const members = fc
  .tuple(claims, fc.array(fc.tuple(name, value), { maxLength: 3 }))
  .map(([ours, others]) => [
    ...ours,
    ...others.map(([key, json]) => [JSON.stringify(key).slice(1, -1), json] as const),
  ]);

const JWE = [
  'eyJhbGciOiJkaXIifQ',
  '',
  '48V1_ALb6US04U3b',
  '5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4',
  'XFBoMYUZodetZdvTiFvSkQ',
].join('.');
const noToken = fc.oneof(
  fc.constantFrom(JWE, '', '.', '..', 'a.b.c', 'wb1~AAAA', '"\\\u2028'),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);

/** The payload's text in several layouts; only the plain one can be taken apart. */
const layout = fc.oneof(
  { weight: 12, arbitrary: fc.constant((parts: readonly string[]) => `{${parts.join(',')}}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      (parts: readonly string[]) => `{ ${parts.join(' , ')} }`,
      (parts: readonly string[]) => `{${[...parts, ...parts].join(',')}}`,
      (parts: readonly string[]) => `[{${parts.join(',')}}]`,
      (parts: readonly string[]) => parts.join(','),
    ),
  },
);

/** What becomes of the finished token: nothing, most of the time. */
const damage = fc.oneof(
  { weight: 14, arbitrary: fc.constant((token: string) => token) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      (token: string) => `${token}=`,
      (token: string) => `${token}.`,
      (token: string) => token.slice(0, -1),
      (token: string) => token.replace('.', '.\n'),
      (token: string) => `${token.slice(0, -1)}${token.endsWith('B') ? 'C' : 'B'}`,
      (token: string) => token.replaceAll('-', '+'),
    ),
  },
);

/** @param depth levels that there may be below. */
export function randomToken(depth: number): fc.Arbitrary<string> {
  const child =
    depth === 0
      ? noToken
      : fc.oneof(
          { weight: 5, arbitrary: fc.nat().chain(() => randomToken(depth - 1)) },
          { weight: 1, arbitrary: noToken },
        );
  const children = fc.uniqueArray(fc.tuple(name, child), {
    maxLength: depth === 0 ? 1 : 3,
    selector: ([key]) => key,
  });
  return fc
    .record({ header, members, children, at: fc.nat(14), signature, layout, damage })
    .map(({ header, members, children, at, signature, layout, damage }) => {
      const parts = members.map(([key, json]) => `"${key}":${json}`);
      const embedded = children.map(([key, token]) => `${JSON.stringify(key)}:${JSON.stringify(token)}`);
      if (children.length > 0)
        parts.splice(at > 6 ? parts.length : at, 0, `"embedded":{${embedded.join(',')}}`);
      return damage([base64url(header), base64url(layout(parts)), base64url(signature)].join('.'));
    });
}
