import { expect } from 'chai';

import { diceFor } from '../../../scripts/fuzz/dice.ts';
import { fuzz, type Tally } from '../../../scripts/fuzz/fuzz.ts';
import { refusal, requireSilent, Secrets } from '../../../scripts/fuzz/judge.ts';
import { ACCEPTED, Broken, refusedAs, type Outcome, type Target } from '../../../scripts/fuzz/target.ts';
import { targets } from '../../../scripts/fuzz/targets/index.ts';
import { WaybillError } from '../../../src/errors.ts';
import { runNode } from '../../support/program.ts';

const SEED = 9;

/** How many inputs each target gets here; `npm run fuzz` runs more. */
const COUNTS: Readonly<Record<string, number>> = {
  packed: 150,
  nested: 300,
  requests: 150,
  headers: 120,
  proofs: 300,
  certificates: 300,
  'key-sets': 150,
  addresses: 300,
  graphs: 60,
  traces: 120,
  trees: 600,
};

function failuresOf({ failures }: Tally): string[] {
  return [...failures.values()].map(
    ({ invariant, message, index, input }) =>
      `${invariant}: ${message} (input ${index}: ${input.toString('base64').slice(0, 2_000)})`,
  );
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

describe('changed inputs', () => {
  it('are made for every target', () => {
    expect(targets.map(({ name }) => name)).to.deep.equal(Object.keys(COUNTS));
  });

  for (const target of targets) {
    it(`of ${target.name} break no invariant: ${target.reads}`, async () => {
      const count = COUNTS[target.name] ?? 0;
      const tally = await fuzz(target, { seed: SEED, count, minimising: 500 });
      expect(failuresOf(tally)).to.deep.equal([]);
      expect(tally.inputs).to.equal(count);
      // A target that only refuses, or that accepts everything, would prove nothing.
      expect(tally.accepted, 'accepted').to.be.above(0);
      expect(sum(tally.refused) + sum(tally.findings), 'refused').to.be.above(0);
      expect(tally.accepted + sum(tally.refused) + sum(tally.findings)).to.equal(count);
    });
  }

  it('are the same for the same seed, and differ for another', async () => {
    expect(targets).to.have.lengthOf.above(5);
    for (const target of targets) {
      const [one, other] = [await target.open(), await target.open()];
      const inputs = (open: typeof one, seed: number): string[] =>
        Array.from({ length: 5 }, (_, index) =>
          open.input(diceFor(seed, target.name, index)).toString('base64'),
        );
      expect(inputs(one, 1), target.name).to.deep.equal(inputs(other, 1));
      expect(inputs(one, 2), target.name).to.not.deep.equal(inputs(other, 1));
      await one.close?.();
      await other.close?.();
    }
  });
});

describe('the fuzzer', () => {
  /** Letters, of which one breaks it. */
  function letters(run: (letters: string) => Outcome): Target {
    const input = (dice: { below(limit: number): number }): string =>
      Array.from({ length: 12 }, () => 'abcdefgh'[dice.below(8)]).join('');
    return {
      name: 'letters',
      reads: 'letters',
      open: async () => ({
        input: (dice) => Buffer.from(input(dice)),
        run: async (bytes) => run(bytes.toString()),
      }),
    };
  }

  it('finds an error without a code, minimises the input, and counts all inputs that fail in this way', async () => {
    const target = letters((input) => {
      if (input.includes('a')) throw new TypeError(input);
      return ACCEPTED;
    });
    const { failures, accepted, inputs } = await fuzz(target, { seed: 1, count: 100 });
    const [failure, ...others] = [...failures.values()];
    expect(others).to.deep.equal([]);
    expect(failure).to.include({ invariant: 'every error has a code', message: 'TypeError at outside src' });
    expect(failure?.input.toString()).to.equal('a');
    expect((failure?.count ?? 0) + accepted).to.equal(inputs);
  });

  it('distinguishes ways to fail, and counts refusals by code', async () => {
    const target = letters((input) => {
      if (input.startsWith('a')) throw new Broken('plain path', 'a');
      if (input.startsWith('b')) throw new Broken('plain path', 'b');
      return refusedAs(input.startsWith('c') ? 'c' : 'other');
    });
    const { failures, refused } = await fuzz(target, { seed: 1, count: 200 });
    expect([...failures.keys()].sort()).to.deep.equal(['plain path: a', 'plain path: b']);
    expect([...refused.keys()].sort()).to.deep.equal(['c', 'other']);
  });

  it('finds work that is more than sixteen steps for each byte', async () => {
    const target = letters(() => ACCEPTED);
    const working: Target = {
      ...target,
      open: async () => ({ ...(await target.open()), work: () => ({ steps: 161, bytes: 10 }) }),
    };
    const { failures } = await fuzz(working, { seed: 1, count: 1 });
    expect([...failures.keys()]).to.deep.equal(['bounded work: more than 16 steps for each byte']);
  });

  const secrets = new Secrets();
  const token = `eyJhbGciOiJFUzI1NiJ9.${'payload'.repeat(9)}.${'signature'.repeat(9)}`;
  secrets.addToken(token);
  secrets.add('a secret of twenty-four…');

  for (const [what, told] of [
    ['a piece of a payload', `refused: ${'payload'.repeat(3)}`],
    ['a piece of a signature', `refused: ${'signature'.repeat(3)}`],
    ['a secret', 'refused: a secret of twenty-four…'],
  ] as const) {
    it(`finds ${what} in a text`, () => {
      expect(() => requireSilent(told, secrets)).to.throw(Broken);
      for (const error of [
        new WaybillError('token_malformed', told),
        new WaybillError('token_malformed', 'refused', { detail: told }),
        new WaybillError('token_malformed', 'refused', { cause: new Error(told) }),
      ])
        expect(() => refusal(error, secrets))
          .to.throw(Broken)
          .with.property('invariant', 'no leak');
    });
  }

  it('finds a piece of the input in a text, but not a header', () => {
    const input = 'x'.repeat(7) + token;
    expect(() => requireSilent(`refused: ${input.slice(0, 30)}`, new Secrets(), input)).to.throw(Broken);
    expect(() => requireSilent('refused: eyJhbGciOiJFUzI1NiJ9', secrets)).to.not.throw();
  });

  it('finds invalid codes', () => {
    const error = new WaybillError('token_malformed', 'refused');
    expect(refusal(error, secrets)).to.deep.equal({ kind: 'refused', code: 'token_malformed' });
    Object.assign(error, { code: 'token_mallformed' });
    expect(() => refusal(error, secrets))
      .to.throw(Broken)
      .with.property('invariant', 'every error has a code');
  });
});

describe('npm run fuzz', () => {
  const run = (...args: readonly string[]) => runNode('--import', 'tsx', 'scripts/fuzz/main.ts', ...args);

  it('prints the seed, a table and the codes, and exits with 0 if every invariant holds', async () => {
    const { status, output, errors } = await run('--seed', '3', '--count', '40', '--target', 'certificates');
    expect(errors).to.equal('');
    expect(output).to.match(/^seed 3\n/);
    expect(output).to.match(/^certificates +40 +\d+ +\d+ +0 +0 +[\d,]+ ms$/m);
    expect(output).to.match(/^certificates: no_certificate \d+$/m);
    expect(output).to.match(/40 inputs, 0 failures\. Every invariant holds\.\n$/);
    expect(status).to.equal(0);
  });

  it('runs one input again', async () => {
    const input = Buffer.from('10.1.2.3\nclient-cert: :AAAA:').toString('base64');
    const { status, output } = await run('--target', 'certificates', '--input', input);
    expect([status, output]).to.deep.equal([0, 'Every invariant holds.\n']);
  });

  it('names the known targets, and exits with 2 on wrong use', async () => {
    const { status, errors } = await run('--target', 'nothing');
    expect(status).to.equal(2);
    expect(errors).to.match(/^There is no target nothing\. Known:\n {2}packed /);
  });
});
