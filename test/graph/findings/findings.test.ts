import { expect } from 'chai';
import { explanations, type FindingCode } from '../../../src/graph/index.ts';
import { judge, type Case } from './case.ts';
import { nameCases } from './name-cases.ts';
import { shapeCases } from './shape-cases.ts';
import { yamlCases } from './yaml-cases.ts';

const tables: Readonly<Record<string, readonly Case[]>> = {
  'files that are hardly YAML': yamlCases,
  'shapes and variables': shapeCases,
  names: nameCases,
};

describe('findings', () => {
  for (const [theme, cases] of Object.entries(tables)) {
    describe(theme, () => {
      for (const test of cases) {
        it(`tells of ${test.title}`, () => {
          for (const { code, severity } of judge(test))
            expect(severity).to.equal(explanations[code].severity);
        });
      }
    });
  }

  it('has a wrong graph for every code that there is', () => {
    const codes = Object.keys(explanations) as FindingCode[];
    const cases = Object.values(tables).flat();
    const seen = new Set(cases.flatMap((test) => [...test.finds, ...(test.elsewhere ?? [])]));
    expect(codes.filter((code) => !seen.has(code))).to.deep.equal([]);
  });
});
