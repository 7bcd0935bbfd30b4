import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { citationFaults } from '../../../scripts/check/citations.ts';

describe('citations of threats and graph rules', () => {
  let root: string;

  function write(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'waybill-citations-'));
    write('docs/reference/graph-rules.md', '# Rules\n\n## Rule 1: one\n\n## Rule 2: two\n');
    write('docs/reference/token-rules.md', '# Rules\n\n### Rule L1\n\nOne.\n');
    write('src/a.ts', '/** Rule 1, and what rules 1 and 2 say of threats 3 and 4. */\n');
    write('test/a.test.ts', "it('threat 3, L1: is refused')\n");
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it('pass where every number is in its list and every threat has a test', () => {
    const page = '### Threat 3: a\n\n### Threat 4: b\n\n**Tests.** [a](../../test/a.test.ts)\n';
    write('docs/reference/threat-model.md', page);
    expect(citationFaults(root)).to.deep.equal([]);
  });

  it('are reported where the number is not in the list', () => {
    write('docs/reference/threat-model.md', '### Threat 3: a\n');
    write('src/b.ts', 'const a = 1; // rule 7\n');
    expect(citationFaults(root)).to.deep.equal([
      'src/a.ts:1: docs/reference/threat-model.md has no number 4',
      'src/b.ts:1: docs/reference/graph-rules.md has no number 7',
    ]);
  });

  it('report a threat that no test cites and whose section links none', () => {
    const page = '### Threat 3: a\n\n### Threat 4: b\n\n## Next\n\n[a](../../test/a.test.ts)\n';
    write('docs/reference/threat-model.md', page);
    expect(citationFaults(root)).to.deep.equal([
      'docs/reference/threat-model.md: no test cites threat 4, and its section links none',
    ]);
  });

  it('report a rule of the tokens that no test names, and one that is not in the list', () => {
    write('docs/reference/threat-model.md', '### Threat 3: a\n\n### Threat 4: b\n\n[a](a.test.ts)\n');
    write('docs/reference/token-rules.md', '### Rule L2\n');
    write('src/b.ts', "const path = 'M0,0 L7,7';\n");
    expect(citationFaults(root)).to.deep.equal([
      'test/a.test.ts:1: docs/reference/token-rules.md has no number L1',
      'docs/reference/token-rules.md: no test cites rule L2',
    ]);
  });
});
