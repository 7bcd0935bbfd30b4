/** Every graph of the project as a bundle for OPA, which accepts it with its strict checks. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { opaBundle } from '../../../../src/architect/export/index.ts';
import { planAt } from '../../../support/compile.ts';
import { removeScratch } from '../../../support/files.ts';
import { checkBundle, hasOpa, needsOpa } from '../../../support/opa.ts';
import { shippedGraphs } from '../../../support/graphs/shipped.ts';

const graphs = fileURLToPath(new URL('../../../../graphs/', import.meta.url));
const paths = [
  ...shippedGraphs(),
  'demo',
  ...readdirSync(`${graphs}tutorial`).map((name) => `tutorial/${name}`),
];

describe(`graphs as bundles for OPA${needsOpa}`, function () {
  this.timeout(60_000);
  before(function () {
    if (!hasOpa) this.skip();
  });
  after(removeScratch);

  for (const path of paths) {
    it(path, () => {
      const plan = planAt([graphs + path]);
      expect(checkBundle(opaBundle(plan).files)).to.equal('');
      expect(checkBundle(opaBundle(plan, { mode: 'report' }).files)).to.equal('');
    });
  }

  it('would not be accepted with a fault', () => {
    const { files } = opaBundle(planAt([`${graphs}hello.yaml`]));
    const faulty = new Map([...files, ['policy.rego', `${files.get('policy.rego')}\nallow if nobody\n`]]);
    expect(checkBundle(faulty)).to.include('nobody');
  });
});
