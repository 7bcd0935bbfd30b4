/** Every graph of the project as a bundle for OPA, which accepts it with its strict checks. */
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { opaBundle } from '../../../../src/architect/export/index.ts';
import { planAt } from '../../../support/compile.ts';
import { removeScratch } from '../../../support/files.ts';
import { checkBundle, hasOpa, needsOpa } from '../../../support/opa.ts';
import { projectGraphs } from '../../../support/graphs/project.ts';

const graphs = fileURLToPath(new URL('../../../../graphs/', import.meta.url));

describe(`graphs as bundles for OPA${needsOpa}`, function () {
  this.timeout(60_000);
  before(function () {
    if (!hasOpa) this.skip();
  });
  after(removeScratch);

  for (const { title, plan: compiled } of projectGraphs) {
    it(title, () => {
      const plan = compiled();
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
