/** The three systems under `graphs/systems`, each in its environments, as their teams would check and test them. */
import { expect } from 'chai';

import { removeScratch } from '../support/files.ts';
import { copyOfSystem } from '../support/graphs/systems.ts';
import { run } from '../support/program.ts';

/** Some calls of these graphs end: that day is before all of them. */
const DAY = ['--at', '2026-12-01'];

interface Environment {
  readonly system: string;
  readonly name: string;
  /** What a command takes, in the folder of the system. */
  readonly args: readonly string[];
}

const PAYMENTS = ['dev', 'stage', 'prod'].map((name) => ({
  system: 'payments',
  name,
  args: ['.', `env/${name}.yaml`, '--vars', `env/${name}.vars.yaml`],
}));

const KUBERNETES = ['platform.yaml', 'shop.yaml', 'checkout.yaml', 'kshop.test.yaml'];

const ENVIRONMENTS: readonly Environment[] = [
  ...PAYMENTS,
  { system: 'kubernetes-shop', name: 'the EU, as its files stand', args: KUBERNETES },
  {
    system: 'kubernetes-shop',
    name: 'dev',
    args: [...KUBERNETES, 'env/dev-clients.yaml', 'env/dev.yaml'],
  },
  {
    system: 'kubernetes-shop',
    name: 'the US',
    args: [...KUBERNETES, 'env/prod-us.yaml'],
  },
  {
    system: 'kubernetes-shop',
    name: 'stage',
    args: [...KUBERNETES, 'env/stage.yaml'],
  },
  {
    system: 'boutique-context',
    name: 'its one environment',
    args: ['.', 'context.overlay.yaml'],
  },
];

interface Checked {
  readonly findings: readonly { readonly code: string }[];
}

describe('The systems under graphs/systems', () => {
  after(removeScratch);

  for (const { system, name, args } of ENVIRONMENTS) {
    it(`${system} passes its check in ${name}`, async () => {
      const graph = args.filter((file) => !file.endsWith('.test.yaml'));
      const { code, stdout, stderr } = await run(['check', ...graph, ...DAY, '--json'], {
        cwd: copyOfSystem(system),
      });
      expect(stderr).to.equal('');
      expect((JSON.parse(stdout) as Checked).findings.map((finding) => finding.code).sort()).to.deep.equal(
        [],
      );
      expect(code).to.equal(0);
    });

    it(`${system} passes its tests in ${name}`, async () => {
      const { code, stdout } = await run(['test', ...args, ...DAY], { cwd: copyOfSystem(system) });
      expect(stdout).to.not.match(/^✗/m);
      expect(stdout).to.match(/^([5-9]|1\d) tests hold\.$/m);
      expect(code).to.equal(0);
    });
  }

  it('payments issues in no two environments the same tokens', async () => {
    const digests = await Promise.all(
      PAYMENTS.map(async ({ args }) => {
        const { stdout } = await run(['check', ...args, ...DAY], { cwd: copyOfSystem('payments') });
        return /^Digest (\w+):/m.exec(stdout)?.[1];
      }),
    );
    expect(new Set(digests).size).to.equal(3);
    expect(digests).to.not.include(undefined);
  });
});
