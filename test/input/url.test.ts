import { expect } from 'chai';

import { secureUrl } from '../../src/discovery/index.ts';
import { isWaybillError } from '../../src/errors.ts';
import { parseAddress } from '../../src/middleware/extractor/url-prefix.ts';
import { verifyProof } from '../../src/token/index.ts';
import { comparableAddress } from '../../src/token/comparable-address.ts';
import { parseUrl } from '../../src/input/url.ts';
import { proofSigner } from '../support/keys/dpop.ts';

/** Enough calls for V8 to compile the function. */
const OFTEN = 100_000;
/** Of Latin-1 alone; as bytes of UTF-8 its last two characters would be one letter. */
const NO_URL = 'http:\u00c5\u0084';
const NOW = 1_800_000_000;

describe('an address', () => {
  for (const [name, read] of Object.entries({ parseUrl, parseAddress, comparableAddress, secureUrl })) {
    it(`that does not parse is refused, however often: ${name}`, () => {
      for (let time = 0; time < OFTEN; time += 1) read(`https://a${time % 10}.example/x`);
      expect(() => new URL(NO_URL)).to.throw(TypeError);
      expect(read(NO_URL)).to.equal(undefined);
      expect(read('https://caf\u00e9.example/')).to.not.equal(undefined);
    });
  }

  it('RFC 9449 section 4.3: that does not parse makes a proof invalid, however often', async () => {
    const signer = await proofSigner();
    const proof = await signer.proof({ method: 'POST', url: NO_URL, now: NOW });
    for (let time = 0; time < OFTEN; time += 1) comparableAddress(`https://a${time % 10}.example/x`);
    const request = { method: 'POST', addresses: ['https://a.example/token'], now: NOW };
    const error = await verifyProof([proof], request).catch((thrown: unknown) => thrown);
    expect(isWaybillError(error, 'invalid_dpop_proof'), String(error)).to.equal(true);
  });
});
