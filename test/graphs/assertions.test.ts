/** The tests beside the graphs that ship with the project. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { runTests } from '../../src/architect/assertions/index.ts';
import { planAt } from '../support/compile.ts';
import { shippedGraphs } from '../support/graphs/shipped.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../graphs');
const files = shippedGraphs()
  .map((name) => path.join(FOLDER, name))
  .filter((file) => existsSync(file.replace(/\.yaml$/, '.test.yaml')));

describe('The tests of the graphs that ship with Waybill', () => {
  it('are there', () => expect(files.map((file) => path.basename(file))).to.include('hello.yaml'));

  for (const file of files) {
    it(`hold of ${path.basename(file)}`, () => {
      const { results, findings } = runTests(planAt([file]), [file]);
      expect(findings).to.deep.equal([]);
      expect(results).to.not.be.empty;
      expect(results.flatMap((result) => result.findings.map(({ message }) => message))).to.deep.equal([]);
      expect(results.every(({ holds }) => holds)).to.equal(true);
    });
  }
});
