/**
 * Mocha's own Spec reporter, and one plain line after it, so that a script can read the outcome without
 * knowing Mocha's layout: `12 passed, 0 failed, 1 skipped`. With `CI=true` a skipped test counts as failed: a program
 * that is missing there hides what its tests would have found. Only recorded traces, which are no part of the project,
 * may be missing, and OPA where there is no Go to build it.
 */
import Mocha from 'mocha';

/** One stands in the title of a suite that is skipped for that reason. */
const ALLOWED_REASONS = ['(skipped: WAYBILL_SAMPLES names no folder)', '(skipped: opa and Go are missing)'];

export default class Plain extends Mocha.reporters.Spec {
  #forbidden = [];

  constructor(runner, options) {
    super(runner, options);
    if (process.env.CI !== 'true') return;
    runner.on('pending', (test) => {
      const title = test.fullTitle();
      if (!ALLOWED_REASONS.some((reason) => title.includes(reason))) this.#forbidden.push(title);
    });
  }

  /** Mocha calls this once everything else has been reported. */
  done(failures, finish) {
    const { passes, failures: failed, pending } = this.stats;
    const forbidden = this.#forbidden;
    if (forbidden.length > 0)
      process.stdout.write(
        `Tests that must not be skipped:\n${forbidden.map((title) => `  ${title}\n`).join('')}\n`,
      );
    const [failedCount, skipped] = [failed + forbidden.length, pending - forbidden.length];
    process.stdout.write(`${passes} passed, ${failedCount} failed, ${skipped} skipped\n`);
    finish(failures + forbidden.length);
  }
}
