import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';

describe('the dictionary of the packed coding', () => {
  it('never changes: it is part of the format', () => {
    expect(DICTIONARY).to.have.length(3028);
    expect(createHash('sha256').update(DICTIONARY).digest('hex')).to.equal(
      '0ae813027c762cf215212ca7859d83e36efeda880a054ab0ebe127c0e51b7252',
    );
  });

  it('is written without escaped bytes, which bundlers turn into octal escapes of template literals', () => {
    const file = fileURLToPath(new URL('../../../src/token/packed/dictionary.ts', import.meta.url));
    const code = readFileSync(file, 'utf8').replace(/\/\*\*.*?\*\//gs, '');
    expect(code).to.include('%00');
    expect(code).to.not.match(/\\[0-9xu]/);
  });
});
