import { expect } from 'chai';
import fc from 'fast-check';

import { InputFault, decodeInput, parseJsonInput } from '../../src/input/json-input.ts';
import { utf16 } from '../support/files.ts';

/** Why it is refused; undefined where it is not. */
function fault(read: () => unknown): string | undefined {
  try {
    read();
  } catch (error) {
    if (error instanceof InputFault) return error.message;
    throw error;
  }
  return undefined;
}

describe('JSON from outside', () => {
  it('is read as JSON.parse reads it, behind a byte order mark too', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('', '\n', ' '), (value, space) => {
        const text = `${space}${JSON.stringify(value)}${space}`;
        const expected: unknown = JSON.parse(text);
        for (const input of [text, Buffer.from(text), `\ufeff${text}`, Buffer.from(`\ufeff${text}`)])
          expect(parseJsonInput(input)).to.deep.equal(expected);
      }),
    );
  });

  it('has at most one byte order mark, at the beginning', () => {
    for (const text of ['\ufeff\ufeff{}', '{}\ufeff', '{\ufeff}', ' \ufeff{}', '\ufeff']) {
      expect(
        fault(() => parseJsonInput(text)),
        text,
      ).to.equal('it is not JSON');
      expect(
        fault(() => parseJsonInput(Buffer.from(text))),
        text,
      ).to.equal('it is not JSON');
    }
    expect(parseJsonInput('{"a":"\ufeff"}')).to.deep.equal({ a: '\ufeff' });
  });

  it('is reported as UTF-16, with what to do, in either byte order, with a mark or without', () => {
    const files = utf16('{"keys":[]}');
    expect(files).to.have.lengthOf(4);
    for (const bytes of files) {
      expect(fault(() => parseJsonInput(bytes))).to.equal('it is UTF-16, not UTF-8; save it as UTF-8');
      expect(fault(() => decodeInput(bytes))).to.equal('it is UTF-16, not UTF-8; save it as UTF-8');
    }
  });

  it('is reported if it is not UTF-8, without showing its content', () => {
    const latin1 = Buffer.from('{"a":"s\u00e9cret"}', 'latin1');
    expect(fault(() => parseJsonInput(latin1))).to.equal('it is not UTF-8 text; save it as UTF-8');
    for (const text of ['', 'secret', '{"secret": tru}', '<html>', '{"a":1}{"a":1}'])
      expect(fault(() => parseJsonInput(Buffer.from(text)))).to.equal('it is not JSON');
  });
});
