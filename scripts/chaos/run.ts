/** Runs one scenario and says whether its promise was kept. */
import type { Scenario } from './scenario.ts';
import { missingOf } from './needs.ts';
import { Stage, type StageOptions } from './stage.ts';
import { ChaosFailed } from './until.ts';

export interface Result {
  readonly name: string;
  readonly promise: string;
  readonly outcome: 'kept' | 'broken' | 'skipped';
  /** What proves that the injection took effect. */
  readonly injected: readonly string[];
  readonly seen: string;
  readonly sent: number;
  readonly answered: number;
  /** Errors by their code. */
  readonly told: ReadonlyMap<string, number>;
  readonly lostWithProcess: number;
  readonly lost: number;
  readonly wrong: number;
  /** Why it is broken or skipped; empty if it is neither. */
  readonly faults: readonly string[];
}

/** Somebody has stopped the run; what the scenario had begun is undone. */
export class RunStopped extends Error {}

/**
 * @param stopped resolves where the run is to be stopped. Default: never.
 * @throws RunStopped
 */
export async function runScenario(
  scenario: Scenario,
  options: StageOptions,
  stopped: Promise<unknown> = new Promise(() => undefined),
): Promise<Result> {
  const { name, promise, needs } = scenario;
  const missing = missingOf(needs);
  if (missing.length > 0) {
    const none = {
      sent: 0,
      answered: 0,
      told: new Map<string, number>(),
      lostWithProcess: 0,
      lost: 0,
      wrong: 0,
    };
    const faults = [`${missing.join(', ')} is missing`];
    return { name, promise, outcome: 'skipped', injected: [], seen: '', ...none, faults };
  }
  const stage = await Stage.open(options);
  const faults: string[] = [];
  let seen = '';
  try {
    const stop = stopped.then(() => Promise.reject(new RunStopped()));
    seen = await Promise.race([scenario.run(stage), stop]);
    if (stage.proofs.length === 0) faults.push('nothing was injected');
  } catch (error) {
    if (error instanceof RunStopped) throw error;
    faults.push(error instanceof ChaosFailed ? error.message : String((error as Error).stack));
  } finally {
    await stage.close();
  }
  faults.push(...faultsOf(stage, scenario));
  const { account } = stage;
  return {
    ...{ name, promise, seen, faults },
    outcome: faults.length === 0 ? 'kept' : 'broken',
    injected: [...new Set(stage.proofs)],
    sent: account.sent,
    answered: account.answered,
    told: account.told,
    lostWithProcess: account.lostWithProcess.length,
    lost: account.lost.length,
    wrong: account.wrong.length,
  };
}

function faultsOf({ account }: Stage, { errors }: Scenario): string[] {
  const faults: string[] = [];
  const reasons = new Map<string, number>();
  const count = (reason: string, times = 1): void =>
    void reasons.set(reason, (reasons.get(reason) ?? 0) + times);
  for (const { reason } of account.lost) count(`lost: ${reason}`);
  for (const what of account.wrong) count(`wrongly accepted: ${what}`);
  for (const [code, times] of account.told) if (!errors.includes(code)) count(`told ${code}`, times);
  for (const [reason, times] of reasons) faults.push(`${times} × ${reason}`);
  if (account.ended !== account.sent)
    faults.push(`${account.sent} requests were sent, and the end of ${account.ended} is known`);
  return faults;
}
