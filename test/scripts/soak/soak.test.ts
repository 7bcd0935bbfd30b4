/** `npm run soak`, shortened: the heap of extractor, gateway and issuer stays as it is, however often they are asked. */
import { expect } from 'chai';

import { runNode } from '../../support/program.ts';

async function soak(...args: readonly string[]) {
  const options = ['--expose-gc', '--import', 'tsx', 'scripts/soak/main.ts'];
  const { status, output, errors } = await runNode(...options, ...args);
  return { status, errors, lines: output.trimEnd().split('\n') };
}

/** Name, tokens, requests, and in MiB: at first, at the end, by how much it grew, and by how much it may. */
const ROW = /^(\w+) +(\w+) +([\d,]+) +([\d.]+) MiB +([\d.]+) MiB +([\d.]+) MiB +([\d.]+) MiB$/;

describe('npm run soak', function () {
  this.timeout(600_000);

  for (const [requests, names] of [
    // Most requests are cache hits: it takes many to see a small leak in each.
    [4_000, ['extractor', 'exchange']],
    [1_000, ['gateway', 'dpop', 'issuer']],
  ] as const) {
    it(`finds no growth with few tokens, with many, and with both: ${names.join(', ')}`, async () => {
      const { status, errors, lines } = await soak(
        ...['--requests', `${requests}`, '--warm-up', '1500', ...names],
      );
      expect(errors).to.equal('');
      const [, ...rows] = lines.map((line) => ROW.exec(line.trim()));
      expect(rows.slice(0, -1).map((row) => row?.slice(1, 3))).to.deep.equal(
        names.flatMap((name) => ['few', 'many', 'both'].map((mix) => [name, mix])),
      );
      for (const row of rows.slice(0, -1)) expect(Number(row?.[6]), row?.[0]).to.be.at.most(Number(row?.[7]));
      expect(lines.at(-1)).to.equal('The memory holds.');
      expect(status).to.equal(0);
    });
  }

  it('looks at servers over HTTP for a time, and says whether the memory holds', async () => {
    const { status, errors, lines } = await soak('--seconds', '1', '--warm-up', '20', 'http');
    expect(errors).to.equal('');
    expect(lines).to.have.length(3);
    expect(ROW.exec(lines[1]!)?.slice(1, 3)).to.deep.equal(['http', 'random']);
    // So soon after the start the caches are not full yet.
    const grows = 'The memory grows in 1 of these rows.';
    expect(lines[2]).to.equal(status === 0 ? 'The memory holds.' : grows);
  });

  it('says what is wrong with its arguments', async () => {
    const { status, errors } = await soak('isuer');
    expect(status).to.equal(2);
    expect(errors).to.equal(
      'no row is named isuer; there are extractor, gateway, exchange, dpop, issuer, http\n',
    );
  });
});
