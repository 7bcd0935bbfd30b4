/**
 * Mocha's own Spec reporter, and one plain line after it, so that a script can read the outcome without
 * knowing Mocha's layout: `12 passed, 0 failed, 1 skipped`.
 */
import Mocha from 'mocha';

export default class Plain extends Mocha.reporters.Spec {
  /** Mocha calls this once everything else has been reported. */
  done(failures, finish) {
    const { passes, failures: failed, pending } = this.stats;
    process.stdout.write(`${passes} passed, ${failed} failed, ${pending} skipped\n`);
    finish(failures);
  }
}
