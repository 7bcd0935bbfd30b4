/**
 * A graph against reality. In: the compiled graph and an observation. Out: findings, operation by operation: what
 * happens and is not declared, what is declared and does not happen, what happens more or less often.
 */
import type { CallPlan, Plan, ScopePlan, ServicePlan } from '../../../graph/index.ts';
import type { ImportWarning } from '../import-warnings.ts';
import { GraphNames } from '../match/graph-names.ts';
import type { Basis, Observation } from '../observation.ts';
import { finding, inOrder, type DriftFinding } from './finding.ts';
import { contradictsProbability } from './probability.ts';
import { Seen } from './seen.ts';

export interface Drift {
  /** Nothing was seen that the graph does not declare. */
  readonly ok: boolean;
  readonly basis: Basis;
  readonly read: Observation['read'];
  /** The gravest first. */
  readonly findings: readonly DriftFinding[];
  /** What the source left open. */
  readonly doubts: readonly ImportWarning[];
}

export interface DriftOptions {
  /** The source's name of a party → the graph's. */
  readonly renames?: ReadonlyMap<string, string>;
}

export function findDrift(plan: Plan, observation: Observation, { renames }: DriftOptions = {}): Drift {
  const seen = new Seen(observation, new GraphNames(plan, renames));
  const judge = new Judge(observation.basis, seen);
  for (const service of plan.services.values()) judge.service(service);
  for (const client of plan.clients.values()) judge.client(client.name, client.calls);
  const findings = inOrder([...seen.findings, ...judge.findings]);
  return {
    ok: findings.every(({ severity }) => severity !== 'error'),
    basis: observation.basis,
    read: observation.read,
    findings,
    doubts: observation.warnings,
  };
}

/** Looks at every declared call. */
class Judge {
  readonly findings: DriftFinding[] = [];
  readonly #basis: Basis;
  readonly #seen: Seen;

  constructor(basis: Basis, seen: Seen) {
    this.#basis = basis;
    this.#seen = seen;
  }

  service(service: ServicePlan): void {
    const all = this.#seen.runs.get(service) ?? new Map<string, number>();
    for (const call of service.calls) this.#call(service, undefined, call, all);
    for (const scope of service.scopes.values()) {
      for (const call of scope.calls) this.#call(service, scope, call, this.#runsOf(service, scope, all));
    }
  }

  /** The operations of a scope that ran. */
  #runsOf(
    service: ServicePlan,
    scope: ScopePlan,
    all: ReadonlyMap<string, number>,
  ): ReadonlyMap<string, number> {
    const isOnly = service.scopes.size === 1;
    return new Map(
      [...all].filter(([operation]) =>
        operation === '' ? isOnly : this.#seen.isOf(service, scope, operation),
      ),
    );
  }

  #call(
    service: ServicePlan,
    scope: ScopePlan | undefined,
    call: CallPlan,
    ran: ReadonlyMap<string, number>,
  ): void {
    if (call.mode === 'none' || !call.service) return;
    const seen = this.#seen.calls.get(call);
    const runs = [...ran.values()].reduce((sum, count) => sum + count, 0);
    const caller = { name: service.name, ...(scope ? { scope: scope.name } : {}) };
    const isSelected = [...(this.#seen.runs.get(call.service)?.values() ?? [])].some((count) => count > 0);
    const isJudged = this.#basis === 'policy' ? isSelected : runs > 0;
    for (const target of call.scopes) {
      const callee = { name: call.callee, scope: target.name };
      const called = seen?.scopes.get(target.name);
      if (called) this.#coarseCallee(call, caller, target, called, runs);
      else if (isJudged)
        this.#add(call, { code: 'unseen-call', caller, callee, count: 0, runs, message: this.#unseen(runs) });
      else
        this.#add(call, { code: 'not-exercised', caller, callee, count: 0, runs, message: this.#unjudged() });
    }
    if (!seen || this.#basis === 'policy') return;
    const idle = [...ran].filter(
      ([operation, count]) => count > 0 && operation !== '' && !seen.byCaller.has(operation),
    );
    if (idle.length > 0 && idle.length < ran.size)
      this.#add(call, {
        code: 'coarse-caller',
        caller: { ...caller, operations: idle.map(([operation]) => operation) },
        callee: { name: call.callee, scope: call.scopes.map(({ name }) => name).join(' ') },
        count: 0,
        runs: idle.reduce((sum, [, count]) => sum + count, 0),
        message: `${scope ? 'share their scope' : 'share their service'} with operations that make this call, and never make it`,
      });
    const calling = [...seen.byCaller.values()].reduce((sum, count) => sum + count, 0);
    if (seen.scopes.size > 0 && contradictsProbability(call.probability, calling, runs))
      this.#add(call, {
        code: 'probability',
        caller,
        callee: { name: call.callee, scope: call.scopes.map(({ name }) => name).join(' ') },
        count: calling,
        runs,
        declared: call.probability,
        seen: calling / runs,
        message: `${share(call.probability)} declared, ${share(calling / runs)} seen`,
      });
  }

  /** The callee's scope stands for more operations than this caller uses. */
  #coarseCallee(
    call: CallPlan,
    caller: { name: string; scope?: string },
    target: ScopePlan,
    called: ReadonlyMap<string, number>,
    runs: number,
  ): void {
    if (call.service === undefined || called.has('')) return;
    const unused = Seen.unused(target, [...called.keys()]);
    if (unused.length === 0) return;
    const count = [...called.values()].reduce((sum, one) => sum + one, 0);
    this.#add(call, {
      code: 'coarse-callee',
      caller,
      callee: { name: call.callee, scope: target.name, operations: unused },
      count,
      runs,
      message:
        this.#basis === 'policy'
          ? 'are of the scope, and the policies do not let them through'
          : 'are of the scope, and were never called from there',
    });
  }

  client(name: string, calls: readonly CallPlan[]): void {
    for (const call of calls) {
      if (!call.service || call.mode === 'none') continue;
      const requests = this.#seen.requests.get(call.service);
      const total = [...(requests?.values() ?? [])].reduce((sum, count) => sum + count, 0);
      const own = this.#seen.calls.get(call);
      for (const target of call.scopes) {
        if (own?.scopes.has(target.name) || (requests?.get(target.name) ?? 0) > 0) continue;
        const isJudged = own !== undefined || total > 0;
        this.#add(call, {
          code: isJudged ? 'unseen-request' : 'not-exercised',
          caller: { name },
          callee: { name: call.callee, scope: target.name },
          count: 0,
          runs: total,
          message: isJudged
            ? 'may be asked for, and never was'
            : 'nobody from outside was seen to ask its service',
        });
      }
    }
  }

  #unseen(runs: number): string {
    return this.#basis === 'policy'
      ? 'declared, and no policy lets it through'
      : `declared, and not once made in ${runs.toLocaleString('en')} run${runs === 1 ? '' : 's'}`;
  }

  #unjudged(): string {
    return this.#basis === 'policy' ? 'no policy selects the callee' : 'the caller was not seen to run';
  }

  #add(call: CallPlan, rest: Parameters<typeof finding>[1]): void {
    this.findings.push(finding(call, rest));
  }
}

function share(probability: number): string {
  return `${Number((probability * 100).toPrecision(2))} %`;
}
