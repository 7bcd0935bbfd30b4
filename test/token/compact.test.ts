import { expect } from 'chai';
import fc from 'fast-check';

import { isWaybillError } from '../../src/errors.ts';
import { decodeToken } from '../../src/token/index.ts';
import { base64url, claims, forge, makeSigner } from '../support/keys/signer.ts';
import { failure } from '../support/failure.ts';

const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' };

describe('decoding a compact token', () => {
  it('gives header, payload and size of what an issuer wrote', async () => {
    const signer = await makeSigner();
    const token = await signer.sign(claims());
    const decoded = decodeToken(token);
    expect(decoded.header).to.deep.equal({ alg: 'ES256', typ: 'at+jwt', kid: 'ES256-1' });
    expect(decoded.payload).to.deep.equal(claims());
    expect(decoded.bytes).to.equal(token.length);
  });

  it('freezes what it returns, so that no reader can change it for the next', () => {
    const { payload } = decodeToken(forge(HEADER, { roles: ['a'] }));
    expect(() => (payload['roles'] as string[]).push('admin')).to.throw(TypeError);
  });

  it('refuses a token over the bound before it decodes anything', async () => {
    const error = await failure('token_too_large', () => decodeToken('!'.repeat(101), { maxBytes: 100 }));
    expect(error.message).to.include('101').and.to.include('100');
  });

  const token = forge(HEADER, claims());
  const [header = '', payload = '', signature = ''] = token.split('.');
  const malformed: Record<string, string> = {
    'an empty string': '',
    'one part': header,
    'two parts': `${header}.${payload}`,
    'four parts': `${token}.${signature}`,
    'an empty signature': `${header}.${payload}.`,
    'an empty payload': `${header}..${signature}`,
    'a JWE of five parts': `${header}.${payload}.${payload}.${payload}.${signature}`,
    'the JSON serialization': JSON.stringify({ protected: header, payload, signature }),
    'the packed coding': `wb1~${payload}`,
    padding: `${header}.${payload}=.${signature}`,
    'the alphabet of plain base64': `${header}.${payload}.${'+/'.repeat(10)}`,
    'a blank': `${header}.${payload} .${signature}`,
    'a line end': `${header}.${payload}.${signature}\n`,
    'stray trailing bits': `${header}.${payload}.${'A'.repeat(85)}B`,
    'a header that is no JSON': forge('{', claims()),
    'a header that is an array': forge('["alg"]', claims()),
    'a header that is null': forge('null', claims()),
    'a header that is not UTF-8': `${base64url(Uint8Array.of(0x7b, 0xff, 0x7d))}.${payload}.${signature}`,
    'a header with a byte order mark': forge('\ufeff{"alg":"ES256"}', claims()),
    'a header over 1 KiB': forge({ ...HEADER, kid: 'k'.repeat(1024) }, claims()),
    'a member twice in the header': forge('{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"k1"}', claims()),
    'blanks in the header': forge('{"alg": "ES256"}', claims()),
    'escapes in the header': forge('{"\\u0061lg":"ES256"}', claims()),
    'a payload that is no JSON': forge(HEADER, 'no'),
    'a payload with a byte order mark': forge(HEADER, `\ufeff${JSON.stringify(claims())}`),
    'a payload that is a string': forge(HEADER, '"claims"'),
    'a payload nested 10,000 deep': forge(HEADER, `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`),
    'a payload of 10,000 nested objects': forge(HEADER, `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
  };
  for (const [what, text] of Object.entries(malformed)) {
    it(`threats 11 and 12: refuses ${what}`, () => failure('token_malformed', () => decodeToken(text), text));
  }

  for (const member of ['crit', 'jku', 'jwk', 'x5u', 'x5c']) {
    it(`threat 9: refuses a header with ${member}`, async () => {
      const error = await failure('token_malformed', () =>
        decodeToken(forge({ ...HEADER, [member]: ['x'] }, claims())),
      );
      expect(error.message).to.include(member);
    });
  }

  it('names the packed coding, so that the reader knows what it has got', async () => {
    const error = await failure('token_malformed', () => decodeToken('wb1~AAAA'));
    expect(error.message).to.include('packed');
  });

  it('answers any text with a WaybillError or a decoded token, and nothing else', () => {
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map(base64url),
      fc.uint8Array().map(base64url),
      fc.string(),
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
      fc.string().map((blob) => forge({ alg: 'ES256', typ: 'at+jwt', kid: 'k' }, claims({ blob }))),
    );
    const seen = { decoded: 0, refused: 0 };
    fc.assert(
      fc.property(text, (candidate) => {
        try {
          expect(decodeToken(candidate).compact).to.equal(candidate);
          seen.decoded += 1;
        } catch (error) {
          expect(isWaybillError(error, 'token_malformed'), String(error)).to.equal(true);
          seen.refused += 1;
        }
      }),
    );
    expect(Object.values(seen)).to.not.include(0);
  });

  it('reads back any JSON object that is not absurdly deep', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 8 })), (value) => {
        const written = JSON.stringify(value);
        expect(JSON.stringify(decodeToken(forge(HEADER, written)).payload)).to.equal(
          JSON.stringify(JSON.parse(written)),
        );
      }),
    );
  });
});
