import { expect } from 'chai';
import fc from 'fast-check';
import { decodeProtectedHeader } from 'jose';
import { decryptDeferredClaims, deferredClaimsLength, encryptDeferredClaims } from '../../src/token/index.ts';

const KEY = { kid: 'abcdefgh', secret: Buffer.alloc(32, 7) };

describe('Deferred claims', () => {
  it('come back as they were, in as many characters as were planned', async () => {
    const ids = fc.array(
      fc.string({ minLength: 8, maxLength: 8, unit: fc.constantFrom('a', 'Z', '_', '7') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), ids, ids, async (given, met, stepUp) => {
        const claims = JSON.parse(JSON.stringify(given)) as Record<string, unknown>;
        const held = await encryptDeferredClaims({ claims, met, stepUp }, KEY);
        expect(await decryptDeferredClaims(held, [KEY])).to.deep.equal({ claims, met, stepUp });
        const bytes = Buffer.byteLength(JSON.stringify(claims));
        expect(deferredClaimsLength(bytes, KEY.kid, { met, stepUp })).to.equal(held.length);
      }),
    );
  });

  it('have the first form, without `typ`, where no condition was decided', async () => {
    const first = await encryptDeferredClaims({ claims: { a: 1 }, met: [] }, KEY);
    expect(decodeProtectedHeader(first)).to.deep.equal({ alg: 'dir', enc: 'A256GCM', kid: KEY.kid });
    const second = await encryptDeferredClaims({ claims: { a: 1 }, met: ['x'] }, KEY);
    expect(decodeProtectedHeader(second)).to.include({ typ: 'held+2' });
  });
});
