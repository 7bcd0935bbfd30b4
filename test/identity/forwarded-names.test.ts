/** Names in Envoy's `x-forwarded-client-cert`, held against a parser that was written without looking at ours. */
import { expect } from 'chai';

import { forwardedNames } from '../../src/identity/forwarded-names.ts';
import { readForwardedElements } from '../../src/identity/forwarded-elements.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { untilSeen } from '../support/until-seen.ts';

const HASH = `Hash=${'a0'.repeat(32)}`;
const ID = 'spiffe://boutique.example/frontend';

describe('the names that a proxy passes on of its peer', () => {
  const accepted: readonly (readonly [title: string, text: string, uris: string[], dns: string[]])[] = [
    ['a sidecar of Istio', `By=spiffe://b.example/shop;${HASH};Subject="";URI=${ID}`, [ID], []],
    [
      'DNS names beside a URI',
      `${HASH};URI=${ID};DNS=a.example;DNS=b.example`,
      [ID],
      ['a.example', 'b.example'],
    ],
    ['several URIs, which are nobody’s SPIFFE ID', `${HASH};URI=${ID};URI=x:y`, [ID, 'x:y'], []],
    ['the last of several elements', `${HASH};URI=spiffe://b.example/admin,${HASH};URI=${ID}`, [ID], []],
    [
      'a comma and a semicolon in quotes',
      `${HASH};Subject="O=a\\, b,CN=c;URI=spiffe://x/y";URI=${ID}`,
      [ID],
      [],
    ],
    ['an escaped quote', `${HASH};Subject="CN=\\"";URI="${ID}"`, [ID], []],
    ['an empty URI', `${HASH};URI=;DNS=a.example`, [], ['a.example']],
  ];
  for (const [title, text, uris, dns] of accepted) {
    it(`are read of ${title}`, () => {
      expect(forwardedNames(text)).to.deep.equal({ uris, dns, emails: [], ips: [] });
    });
  }

  const refused: readonly (readonly [title: string, text: string])[] = [
    ['nothing', ''],
    ['no name', HASH],
    ['no hash, which Envoy always writes', `URI=${ID}`],
    ['a hash that is none', `Hash=ab;URI=${ID}`],
    ['two hashes', `${HASH};${HASH};URI=${ID}`],
    ['two subjects', `${HASH};Subject="a";Subject="b";URI=${ID}`],
    ['an unknown key', `${HASH};Role=admin;URI=${ID}`],
    ['a certificate, which counts itself', `${HASH};Cert="x";URI=${ID}`],
    ['an open quote', `${HASH};Subject="a;URI=${ID}`],
    ['an open quote of the client before the proxy’s element', `URI="${ID},${HASH};URI=${ID}`],
    ['a quote of the client that ends in the proxy’s subject', `X=",${HASH};Subject="CN=a";URI=${ID}`],
    ['text after a quote', `${HASH};Subject="a"b;URI=${ID}`],
    [
      'a backslash before the last quote, which can be read in two ways',
      `${HASH};Subject="CN=a\\\\";URI=${ID}`,
    ],
    ['a backslash without quotes', `${HASH};URI=a\\b`],
    ['an equals sign without quotes', `${HASH};URI=a=b`],
    ['a blank', `${HASH}; URI=${ID}`],
    ['a semicolon at the end', `${HASH};URI=${ID};`],
    ['a comma at the end', `${HASH};URI=${ID},`],
    ['an empty element', `${HASH};URI=${ID},,${HASH};URI=${ID}`],
    ['more elements than proxies', `${`${HASH},`.repeat(32)}${HASH};URI=${ID}`],
    ['more names than a peer has', `${HASH}${';DNS=a'.repeat(65)}`],
    ['more than 16 KiB', `${HASH};Subject="${'a'.repeat(16 * 1024)}";URI=${ID}`],
  ];
  for (const [title, text] of refused) {
    it(`are refused with ${title}`, () => {
      expect(forwardedNames(text)).to.equal(undefined);
    });
  }

  it('are those that a naive parser finds, and what it cannot read is refused', async () => {
    const seen = { read: 0, several: 0, quoted: 0, refused: 0 };
    const differing: string[] = [];
    const random = seededRandom(20_261_129);
    await untilSeen(seen, 200, async () => {
      for (let run = 0; run < 20_000; run++) {
        const text = randomText(random);
        const ours = readForwardedElements(text)?.map((element) => [...element]);
        if (JSON.stringify(ours) !== JSON.stringify(naive(text))) differing.push(text);
        if (ours === undefined) seen.refused++;
        else seen.read++;
        if ((ours?.length ?? 0) > 1) seen.several++;
        if (ours !== undefined && text.includes('"')) seen.quoted++;
      }
      return Promise.resolve();
    });
    expect(differing).to.deep.equal([]);
  });
});

const PIECES = [
  'URI=',
  'DNS=',
  'Subject=',
  'a',
  'spiffe://x/y',
  '"',
  '"',
  '\\"',
  '\\',
  ',',
  ', ',
  ';',
  ';',
  '=',
];

/** Mostly pairs as Envoy writes them, with pieces thrown in. */
function randomText(random: (below: number) => number): string {
  const pick = (from: readonly string[]): string => from[random(from.length)]!;
  const pair = (): string =>
    `${pick(['URI', 'dns', 'By'])}=${pick(['a', '', '"b"', '"c,d;e=f"', '"\\"g"', '"h\\,"'])}`;
  const parts = Array.from({ length: 1 + random(4) }, () => (random(6) === 0 ? pick(PIECES) : pair()));
  return parts.reduce((text, part) => `${text}${pick([';', ';', ',', ', ', ''])}${part}`);
}

/** Character by character, with nothing but what the documentation of Envoy says, and no way to read a thing twice. */
function naive(text: string): [string, string[]][][] | undefined {
  const elements: [string, string[]][][] = [[]];
  let [key, value, state] = [
    '',
    '',
    'key' as 'key' | 'start' | 'plain' | 'quoted' | 'escape' | 'closed' | 'blank',
  ];
  let lastEscaped = '';
  const keep = (): boolean => {
    if (!/^[a-z]+$/.test(key)) return false;
    const element = elements[elements.length - 1]!;
    const known = element.find(([name]) => name === key);
    if (known) known[1].push(value);
    else element.push([key, [value]]);
    [key, value] = ['', ''];
    return true;
  };
  for (const char of text) {
    if (state === 'blank' && (char === ' ' || char === '\t')) continue;
    if (state === 'blank') state = 'key';
    if (state === 'key') {
      if (char === '=') state = key === '' ? 'key' : 'start';
      else key += char.toLowerCase();
      if (char === '=' && state === 'key') return undefined;
    } else if (state === 'quoted') {
      if (char === '\\') [state, lastEscaped] = ['escape', ''];
      else if (char === '"') {
        if (lastEscaped === '\\') return undefined;
        state = 'closed';
      } else [value, lastEscaped] = [value + char, ''];
    } else if (state === 'escape') {
      value += char === '"' ? '"' : `\\${char}`;
      [state, lastEscaped] = ['quoted', char];
    } else if (char === ';' || char === ',') {
      if (!keep()) return undefined;
      if (char === ',') elements.push([]);
      state = char === ',' ? 'blank' : 'key';
    } else if (state === 'start' && char === '"') [state, lastEscaped] = ['quoted', ''];
    else if (state === 'closed' || '"=\\ \t'.includes(char)) return undefined;
    else [state, value] = ['plain', value + char];
  }
  return ['start', 'plain', 'closed'].includes(state) && keep() && elements.length <= 32
    ? elements
    : undefined;
}
