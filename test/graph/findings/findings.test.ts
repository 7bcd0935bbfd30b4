import { expect } from 'chai';
import { explanations, type FindingCode } from '../../../src/graph/index.ts';
import { allPlaced } from '../../support/compile.ts';
import { acceptanceCases } from './acceptance-cases.ts';
import { bindingCases } from './binding-cases.ts';
import { callCases } from './call-cases.ts';
import { judge, type Case } from './case.ts';
import { conditionCases } from './condition-cases.ts';
import { chainCases } from './chain-cases.ts';
import { claimCases, issuerUrlCases } from './claim-cases.ts';
import { accessCases } from './access-cases.ts';
import { fileCodes } from './file-codes.ts';
import { forwardCases } from './forward-cases.ts';
import { introspectionCases } from './introspection-cases.ts';
import { nameCases } from './name-cases.ts';
import { ownerCases } from './owner-cases.ts';
import { overlayCases } from './overlay-cases.ts';
import { reuseCases } from './reuse-cases.ts';
import { sealingCases } from './sealing-cases.ts';
import { shapeCases } from './shape-cases.ts';
import { variableCases } from './variable-cases.ts';
import { sizeCases } from './size-cases.ts';
import { subjectCases } from './subject-cases.ts';
import { yamlCases } from './yaml-cases.ts';

const tables: Readonly<Record<string, readonly Case[]>> = {
  'files that are hardly YAML': yamlCases,
  'shapes and variables': shapeCases,
  'values of variables': variableCases,
  overlays: overlayCases,
  names: nameCases,
  'chains of calls, and selectors': chainCases,
  'owners and their files': ownerCases,
  'issuer URLs': issuerUrlCases,
  'trees that are handed out again': reuseCases,
  claims: claimCases,
  'opaque tokens and gateways': introspectionCases,
  'tokens that are bound to a key': bindingCases,
  'sealed calls': sealingCases,
  'calls and reach': callCases,
  'forwarded tokens': forwardCases,
  'who holds what': accessCases,
  'what is accepted': acceptanceCases,
  'users and their providers': subjectCases,
  conditions: conditionCases,
  sizes: sizeCases,
};

describe('findings', () => {
  for (const [theme, cases] of Object.entries(tables)) {
    describe(theme, () => {
      for (const test of cases) {
        it(`tells of ${test.title}`, () => {
          const findings = judge(test);
          expect(allPlaced(findings)).to.have.lengthOf(test.finds.length + (test.elsewhere ?? []).length);
          for (const { code, severity } of findings) expect(severity).to.equal(explanations[code].severity);
        });
      }
    });
  }

  it('has a wrong graph for every code that there is', () => {
    const codes = Object.keys(explanations) as FindingCode[];
    const cases = Object.values(tables).flat();
    const seen = new Set([
      ...fileCodes,
      'assertion-failed', // of tests of a graph: test/architect/assertions
      'not-yet', // the same
      'call-ends', // needs a clock: test/graph/until.test.ts
      'http-issuer', // needs an option of the command line: test/cli/commands/http-issuer.test.ts
      ...cases.flatMap((test) => [...test.finds, ...(test.elsewhere ?? [])]),
    ]);
    expect(codes.filter((code) => !seen.has(code))).to.deep.equal([]);
  });
});
