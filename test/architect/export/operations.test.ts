/** Paths of `operations`, read once for all targets: what they accept, and what they never do. */
import { expect } from 'chai';
import fc from 'fast-check';

import {
  AMBIGUOUS_PATHS,
  exactExpression,
  isWithin,
  looseExpression,
  overlap,
  parseOperation,
  type HttpOperation,
} from '../../../src/architect/export/operations/index.ts';
import { canonicalPath } from '../../../src/mesh/canonical-path.ts';

function read(text: string): readonly HttpOperation[] {
  const found = parseOperation(text);
  if (found.refused !== undefined) throw new Error(`${text}: ${found.refused}`);
  return found.operations;
}

const one = (text: string): HttpOperation => read(text)[0]!;
/** JavaScript has no inline flags. */
const expression = (text: string): RegExp =>
  text.startsWith('(?i)') ? new RegExp(`^(?:${text.slice(4)})$`, 'i') : new RegExp(`^(?:${text})$`);
const accepts = (text: string, path: string): boolean =>
  read(text).some((operation) => expression(exactExpression(operation.path)).test(path));
const loose = (text: string, path: string): boolean =>
  read(text).some((operation) => expression(looseExpression(operation.path)).test(path));

const ambiguous = AMBIGUOUS_PATHS.map(expression);
const isAmbiguous = (path: string): boolean => ambiguous.some((each) => each.test(path));
const seed = Number(process.env['WAYBILL_SEED'] ?? 20_261_130);

describe('operations', () => {
  const methods: readonly (readonly [string, string | undefined])[] = [
    ['GET /items', 'GET'],
    ['get /items', 'GET'],
    ['ANY /items', undefined],
    ['any /items', undefined],
    ['* /items', undefined],
    ['/items', undefined],
    ['/acme.v1.Stock/Take', 'POST'],
    ['GET /acme.v1.Stock/Take', 'GET'],
    ['/.well-known/x', undefined],
  ];
  for (const [text, method] of methods) {
    it(`${text} is for ${method ?? 'any method'}`, () => {
      expect(read(text).map((operation) => operation.method)).to.deep.equal([method]);
    });
  }

  const paths: readonly (readonly [text: string, accepted: readonly string[], refused: readonly string[]])[] =
    [
      ['/', ['/'], ['', '/x']],
      ['/items', ['/items'], ['/Items', '/items/', '/items/x', '/itemsx', '/%69tems']],
      ['/items/', ['/items/'], ['/items', '/items/x']],
      ['/a.b', ['/a.b'], ['/axb']],
      ['/%69tems/a%3ab', ['/items/a%3Ab', '/items/a%3ab'], ['/%69tems/a%3ab', '/items/a:b']],
      ['/straße', ['/stra%C3%9Fe', '/stra%c3%9fe'], ['/strasse']],
      ['/trips/:id', ['/trips/7', '/trips/:id'], ['/trips/', '/trips', '/trips/7/x']],
      ['/trips/:id(\\d+)', ['/trips/7'], ['/trips/x']],
      ['/flights/:from-:to', ['/flights/a-b'], ['/flights/ab', '/flights/a-b/c']],
      ['/trips/<id>', ['/trips/7'], ['/trips/']],
      ['/trips/<int:id>/x', ['/trips/42/x'], ['/trips/4a/x', '/trips//x']],
      ['/files/<path:rest>', ['/files/a/b', '/files/'], ['/files', '/filesx']],
      ['/files/{rest...}', ['/files/a/b', '/files/'], ['/files', '/filesx']],
      ['/files/{*path}', ['/files/a/b'], ['/file']],
      ['/files/{**path}', ['/files/a/b'], ['/file']],
      ['/files/{path:path}', ['/files/a/b'], ['/file']],
      ['/files/*path', ['/files/a/b'], ['/file']],
      ['/files/**', ['/files/a/b'], ['/file']],
      ['/files/{id}', ['/files/a'], ['/files/a/b', '/files/']],
      ['/files/{*}/x', ['/files/a/x'], ['/files/a/b/x']],
      ['/files/{id:int}', ['/files/12'], ['/files/a']],
      ['/files/{id}.json', ['/files/a.json'], ['/files/a', '/files/a/b.json', '/files/axjson']],
      ['/items/*/price', ['/items/1/price'], ['/items/1/2/price', '/items//price']],
      ['/items/*', ['/items/', '/items/1', '/items/1/2'], ['/items', '/itemsx']],
      ['/items*', ['/items', '/items/1', '/itemsx'], ['/item']],
      ['/*', ['/', '/a/b'], ['']],
      ['/users(.:format)', ['/users', '/users.json'], ['/users.', '/users/json', '/users(.:format)']],
      ['/a(/:year)', ['/a', '/a/2020'], ['/a/', '/a/2020/1']],
      ['/a/:id?', ['/a', '/a/1'], ['/a/']],
      ['/a/{id?}', ['/a', '/a/1'], ['/a/']],
      ['/items/{$}', ['/items/'], ['/items']],
      ['/items\\:batch', ['/items:batch'], ['/items/batch']],
      ['/v{n}/x', ['/v1/x'], ['/1/x', '/v/x']],
      ['/$metadata', ['/$metadata'], ['/metadata']],
    ];
  for (const [text, accepted, refused] of paths) {
    it(`${text} accepts ${accepted.join(', ')} and not ${refused.join(', ')}`, () => {
      expect(accepted.filter((path) => !accepts(text, path))).to.deep.equal([]);
      expect(refused.filter((path) => accepts(text, path))).to.deep.equal([]);
    });
  }

  for (const text of ['tool:take', 'TakeItem', 'topic/orders', 'POST items', ''])
    it(`"${text}" is not HTTP`, () => expect(parseOperation(text)).to.deep.include({ refused: 'not-http' }));

  const unreadable = [
    ...['GET,POST /x', 'GET /a/{id:[0-9]{3}}', '/a/{id:guid}', '/a/<uuid:id>', '/a/{}', '/a/{name=x/*}'],
    ...[
      '/a?b=1',
      '/a#b',
      '/a//b',
      '/a/../b',
      '/a/%2e%2e/b',
      '/a/./b',
      '/a/%2Fb',
      '/a/%5cb',
      '/a/%00',
      '/a/%',
    ],
    ...[
      '/a;b=1',
      '/items:batch',
      '/{id}:cancel',
      '/a/{rest...}/b',
      '/**/b',
      '/a/{x}{y}',
      '/a/(b|c)',
      '/a[b]',
    ],
    ...['/a\\b', '/a"b', '/a^b', '/x(/a)(/b)(/c)(/d)(/e)', '/a/\ud800'],
  ];
  for (const text of unreadable)
    it(`${JSON.stringify(text)} is refused`, () =>
      expect(parseOperation(text)).to.deep.include({ refused: 'unreadable' }));

  it('takes a path away in every spelling that a server may accept', () => {
    const spellings = [
      ...[
        '/admin',
        '/Admin',
        '/%61dmin',
        '/%41DMIN',
        '/admin/',
        '//admin',
        '/admin;x=1',
        '/admin%3bx',
        '/ad%6din//',
      ],
    ];
    expect(spellings.filter((path) => !loose('/admin', path))).to.deep.equal([]);
    expect(['/admins', '/a', '/admin/x'].filter((path) => loose('/admin', path))).to.deep.equal([]);
    expect(loose('/items/{id:int}', '/items/%31%32')).to.equal(true);
    expect(loose('/files/{id}.json', '/files/x%2ejson')).to.equal(true);
    expect(loose('/a/*', '/A/b/c')).to.equal(true);
  });

  it('knows paths that servers resolve differently', () => {
    const unclear = [
      ...[
        '/a/..;/b',
        '/a/;/b',
        '/a/;x=1/b',
        '/a/%3B/b',
        '/a/.;x/b',
        '/a/%2e%2e/b',
        '/a/../b',
        '/a/..',
        '/a/..%2fb',
        '/a%2Fb',
        '/a%5cb',
        '/a\\b',
      ],
      ...[
        '/a/%252e%252e/b',
        '/a%252fb',
        '/a%25252fb',
        '/a%00',
        '/a%0d%0ab',
        '/%c0%ae%c0%ae/b',
        '/%e0%80%af',
        '/a\u0000',
        '/a/%2561dmin',
        '/a/100%',
        '/a/%u002e',
        '/a/%a',
        '/a/%20../b',
        '/a/%c2%a0../b',
        '/a/%ef%bc%8fb',
        '/%f0%80%80%ae',
        '/%ff',
        '/ß',
        '/a b',
        '/a//b',
        '/a#b',
      ],
    ];
    expect(unclear.filter((path) => !isAmbiguous(path))).to.deep.equal([]);
    const plain = [
      '/',
      '/a/b',
      '/a..b',
      '/.well-known/x',
      '/a/...',
      '/a;b=1',
      '/100%25',
      '/100%25/x',
      '/%C3%9F',
      '/%E2%82%AC',
      '/%F0%9F%98%80',
      '/%20',
      '/a/.b',
    ];
    expect(plain.filter(isAmbiguous)).to.deep.equal([]);
  });

  it(`takes escaped bytes for a text if they are UTF-8, and for nothing else (seed ${seed})`, () => {
    const byte = fc.oneof(
      fc.constantFrom(0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed),
      fc.constantFrom(0xef, 0xf0, 0xf1, 0xf4, 0xf5),
      fc.integer({ min: 0x80, max: 0xff }),
    );
    const escaped = (bytes: readonly number[]) => bytes.map((one) => `%${one.toString(16)}`).join('');
    const piece = fc.oneof(
      fc.constantFrom('a', 'f4', '/b'),
      fc.array(byte, { minLength: 1, maxLength: 5 }).map(escaped),
      fc.string({ unit: 'binary', maxLength: 3 }).map(encodeURIComponent),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
        const path = `/x${pieces.join('')}`;
        expect(isAmbiguous(path)).to.equal(canonicalPath(path) === undefined);
      }),
      { seed, numRuns: 20_000 },
    );
  });

  const relations: readonly (readonly [string, string, 'within' | 'equal' | 'apart' | 'crossing'])[] = [
    ['GET /items/new', 'GET /items/{id}', 'within'],
    ['ANY /items/new', 'GET /items/{id}', 'within'],
    ['GET /items', 'ANY /items', 'within'],
    ['GET /items/{id}', 'GET /items/*', 'within'],
    ['GET /items/a*', 'GET /items/*', 'within'],
    ['GET /items', 'GET /items*', 'within'],
    ['GET /items/{id:int}', 'GET /items/{name}', 'within'],
    ['GET /items/{id}.json', 'GET /items/{name}', 'within'],
    ['GET /items/{id}', 'GET /items/:name', 'equal'],
    ['GET /items', 'POST /items', 'apart'],
    ['GET /items', 'GET /carts', 'apart'],
    ['GET /items', 'GET /items/', 'apart'],
    ['GET /items/new', 'GET /items/{id:int}', 'apart'],
    ['GET /items/{id}', 'GET /items', 'apart'],
    ['GET /a/{x}/c', 'GET /a/b/{y}', 'crossing'],
    ['GET /{x}/c', 'GET /b/*', 'crossing'],
    ['GET /a*', 'GET /{x}', 'crossing'],
    ['GET /a{x}', 'GET /{y}b', 'crossing'],
  ];
  for (const [a, b, relation] of relations) {
    it(`${a} and ${b}: ${relation}`, () => {
      const [ours, theirs] = [one(a), one(b)];
      expect(overlap(ours, theirs)).to.equal(relation !== 'apart');
      expect(overlap(theirs, ours)).to.equal(relation !== 'apart');
      expect(isWithin(ours, theirs)).to.equal(relation === 'within' || relation === 'equal');
      expect(isWithin(theirs, ours)).to.equal(relation === 'equal');
    });
  }
});
