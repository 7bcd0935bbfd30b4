import { expect } from 'chai';
import fc from 'fast-check';

import { parseObject } from '../../../src/token/json.ts';
import { membersOf } from '../../../src/token/packed/members.ts';
import { jsonName, latin1, readNested, writeParts } from '../../../src/token/packed/nested.ts';
import type { MembersNode, SignedNode } from '../../../src/token/packed/node.ts';
import { pack, unpackNode } from '../../../src/token/packed/packed.ts';
import { shapeOf } from '../../../src/token/packed/shapes.ts';

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const leaf = `${base64url('{"alg":"ES256"}')}.${base64url('{"sub":"a"}')}.${base64url('s')}`;

/** Pieces of JSON, some of which make sense only together with others. */
const piece = fc.oneof(
  fc.jsonValue().map((value) => latin1(JSON.stringify(value))),
  fc.constantFrom(
    '1',
    '-0',
    '1e3',
    '01',
    '"a"',
    '"\\u0061"',
    '"a',
    'a"',
    '{"b":1',
    '1}',
    '[2',
    ']',
    '""',
    '',
  ),
  fc.constantFrom('"a","b":1', '1,"embedded":{"x":"y"}', '{"z":1},"exp":5', 'null', ' 1', '"ü"'),
);
const name = fc.oneof(
  fc.constantFrom('sub', 'exp', 'embedded', '__proto__', 'a"b', 'a":1,"b', '', '1', 'ü'),
  fc.string({ maxLength: 4 }).map(jsonName),
);

/** As a bundle can have them: whoever writes one decides where a text is cut. */
const node: fc.Arbitrary<SignedNode> = fc
  .record({
    members: fc.uniqueArray(fc.tuple(name, piece), { selector: ([own]) => own, maxLength: 5 }),
    childrenAt: fc.nat(5),
    children: fc.uniqueArray(name, { maxLength: 3 }),
    odd: fc.constantFrom(undefined, 'a","b":"c', 'wb1~', ''),
  })
  .map(({ members, childrenAt, children, odd }) => ({
    kind: 'signed',
    header: '{"alg":"ES256"}',
    payload: {
      kind: 'members',
      names: members.map(([own]) => own),
      shape: shapeOf(
        members.map(([own]) => own),
        undefined,
      ),
      values: members.map(([, value]) => value),
      childrenAt: Math.min(childrenAt, members.length),
      children: children.map((own, at) => ({
        name: own,
        node:
          odd !== undefined && at === 0
            ? { kind: 'opaque', text: odd, length: odd.length }
            : readNested(leaf),
      })),
    },
    signature: 's',
    travelsNested: false,
    length: 0,
  }));

describe('the members of a token that was taken apart', () => {
  it('are those of its whole text, wherever it was cut, or are left to it', () => {
    let read = 0;
    fc.assert(
      fc.property(node, (token) => {
        const { json, embedded } = writeParts(token as MembersNode);
        const members = membersOf(token, embedded);
        if (members === undefined) return;
        read += 1;
        expect(members).to.deep.equal(parseObject(Buffer.from(json, 'latin1').toString('utf8')));
        expect(Object.keys(members)).to.deep.equal(
          Object.keys(JSON.parse(Buffer.from(json, 'latin1').toString('utf8')) as object),
        );
        expect(Object.isFrozen(members)).to.equal(true);
      }),
      { numRuns: 5_000 },
    );
    expect(read).to.be.greaterThan(50);
  });

  it('are read without it for what an issuer writes', () => {
    const payload = {
      iss: 'https://a.example',
      aud: ['a', 'b'],
      exp: 5,
      act: { sub: 'x' },
      embedded: { b: leaf },
    };
    const token = unpackNode(
      pack(`${base64url('{"alg":"ES256"}')}.${base64url(JSON.stringify(payload))}.${base64url('s')}`),
    );
    expect(membersOf(token, [leaf])).to.deep.equal(payload);
    const { embedded: _, ...rest } = payload;
    expect(membersOf(token)).to.deep.equal(rest);
  });
});
