/**
 * Compares a graph with an observation, operation by operation. Finds calls that happen but are not declared, calls
 * that are declared but do not happen, and calls that happen more or less often than declared.
 */
import type { CallPlan, Plan, ScopePlan, ServicePlan } from '../../../graph/index.ts';
import { WaybillError } from '../../../errors.ts';
import { warningText, type ImportWarning } from '../import-warnings.ts';
import { namesInGraph } from '../match/graph-names.ts';
import type { Basis, Observation } from '../observation.ts';
import { measureCoverage, type Coverage } from './coverage.ts';
import { finding, sortBySeverity, type DriftFinding } from './finding.ts';
import { Seen } from './seen.ts';

export interface Drift {
  /** Whether the graph declares everything that was seen. */
  readonly ok: boolean;
  readonly basis: Basis;
  readonly read: Observation['read'];
  /** How much of the graph the files show. */
  readonly coverage: Coverage;
  /** The most severe first. */
  readonly findings: readonly DriftFinding[];
  /** What the source does not say. The JSON of `waybill drift` has this name. */
  readonly doubts: readonly ImportWarning[];
}

/** @throws WaybillError `source_unsuitable` if nothing was seen that could be compared with the graph. */
export function findDrift(plan: Plan, observation: Observation): Drift {
  if (observation.services.size === 0) throw nothingSeen(observation);
  const seen = new Seen(observation, namesInGraph(plan, observation));
  const declared = new DeclaredCalls(observation.basis, seen);
  for (const service of plan.services.values()) declared.checkService(service);
  for (const client of plan.clients.values()) declared.checkClient(client.name, client.calls);
  const findings = sortBySeverity([...seen.findings, ...declared.findings]);
  const ok = findings.every(({ severity }) => severity !== 'error');
  const coverage = measureCoverage(plan, seen);
  // A comparison with another system would find nothing, and look like success.
  if (ok && coverage.services.seen === 0) throw noneOfThese(plan, observation);
  return {
    ok,
    basis: observation.basis,
    read: observation.read,
    coverage,
    findings,
    doubts: observation.warnings,
  };
}

function nothingSeen({ read, warnings }: Observation): WaybillError {
  return new WaybillError(
    'source_unsuitable',
    [
      `Nothing to compare: no call and no request, in ${read.count.toLocaleString('en')} ${read.what}.`,
      ...warnings.map(warningText),
    ].join(' '),
  );
}

function noneOfThese(plan: Plan, { services }: Observation): WaybillError {
  const some = (names: Iterable<string>): string => {
    const list = [...names];
    return `${list.slice(0, MAX_NAMED).join(', ')}${list.length > MAX_NAMED ? ', …' : ''}`;
  };
  const own = [...services.keys()].filter((name) => plan.services.has(name) || plan.clients.has(name));
  if (own.length > 0)
    return new WaybillError(
      'source_unsuitable',
      `Nothing to compare: the files show only what happens inside ${some(own)}, and no request or call.`,
    );
  return new WaybillError(
    'source_unsuitable',
    `Nothing to compare: no service of the graph (${some(plan.services.keys())}) occurs in the files, which name ${some(services.keys())}. If the names differ, map them with --rename.`,
  );
}

const MAX_NAMED = 5;

/** Compares every declared call with what was seen of it. */
class DeclaredCalls {
  readonly findings: DriftFinding[] = [];
  readonly #basis: Basis;
  readonly #seen: Seen;

  constructor(basis: Basis, seen: Seen) {
    this.#basis = basis;
    this.#seen = seen;
  }

  checkService(service: ServicePlan): void {
    const all = this.#seen.runs.get(service) ?? new Map<string, number>();
    for (const call of service.calls) this.#call(service, undefined, call, all);
    for (const scope of service.scopes.values()) {
      for (const call of scope.calls) this.#call(service, scope, call, this.#runsOf(service, scope, all));
    }
  }

  #runsOf(
    service: ServicePlan,
    scope: ScopePlan,
    all: ReadonlyMap<string, number>,
  ): ReadonlyMap<string, number> {
    const isOnly = service.scopes.size === 1;
    return new Map(
      [...all].filter(([operation]) =>
        operation === '' ? isOnly : this.#seen.belongsTo(service, scope, operation),
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
      else {
        const message = isJudged ? this.#unseen(runs) : this.#unjudged();
        const code = isJudged ? 'unseen-call' : 'not-exercised';
        this.#add(call, { code, caller, callee, count: 0, runs, message });
      }
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
        message: `never make this call, but share their ${scope ? 'scope' : 'service'} with operations that do`,
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

  /** The callee's scope has operations that this caller never uses. */
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
          ? 'belong to the scope, but no policy allows them to this caller'
          : 'belong to the scope, but this caller never calls them',
    });
  }

  checkClient(name: string, calls: readonly CallPlan[]): void {
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
            ? 'declared, but never requested'
            : 'its service received no request from outside',
        });
      }
    }
  }

  #unseen(runs: number): string {
    return this.#basis === 'policy'
      ? 'declared, but no policy allows it'
      : `declared, but never made in ${runs.toLocaleString('en')} run${runs === 1 ? '' : 's'}`;
  }

  #unjudged(): string {
    return this.#basis === 'policy' ? 'no policy selects the callee' : 'the caller did not run';
  }

  #add(call: CallPlan, rest: Parameters<typeof finding>[1]): void {
    this.findings.push(finding(call, rest));
  }
}

function share(probability: number): string {
  return `${Number((probability * 100).toPrecision(2))} %`;
}

/** Smaller differences are ignored: they change no decision. */
const SMALL = 0.1;
/** 99 % of a normal distribution. */
const Z = 2.576;

/**
 * Decides whether what was seen contradicts a declared probability.
 *
 * @param calling runs that made the call.
 * @returns whether the declared share is outside the Wilson score interval of the seen one by more than `SMALL`.
 */
function contradictsProbability(declared: number, calling: number, runs: number): boolean {
  if (runs <= 0) return false;
  const seen = Math.min(1, calling / runs);
  if (Math.abs(declared - seen) < SMALL) return false;
  const squared = Z * Z;
  const centre = (seen + squared / (2 * runs)) / (1 + squared / runs);
  const spread =
    (Z / (1 + squared / runs)) * Math.sqrt((seen * (1 - seen)) / runs + squared / (4 * runs * runs));
  return Math.abs(declared - centre) > spread;
}
