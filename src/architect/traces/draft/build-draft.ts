/**
 * From an observation to a draft: who is a service and who a client, a scope for each operation, a call for each
 * callee. Names come from `GraphNames`, so that those of a graph which exists are kept.
 */
import type { CallKind, Observation, ObservedCallee, ObservedRuns, ObservedService } from '../observation.ts';
import { breakCycles } from './break-cycles.ts';
import type { Draft, DraftCall, DraftClient, DraftScope, DraftService } from './draft.ts';
import type { DraftNames } from './draft-names.ts';
import { requiredLimits } from './required-limits.ts';

const UNKNOWN = '';
const NO_RUNS: ObservedRuns = { runs: 0, requested: 0, orphaned: 0, folded: false, callees: new Map() };

export function buildDraft(observation: Observation, names: DraftNames): Draft {
  const drafting = new Drafting(observation, names);
  const services = [...observation.services.values()].flatMap((service) =>
    drafting.isService(service.name) ? [drafting.service(service)] : [],
  );
  const clients = [...drafting.edge(), ...drafting.jobs()];
  for (const service of services) agreeOnModes(service);
  breakCycles(services);
  return { clients, services, limits: requiredLimits(services) };
}

class Drafting {
  readonly #observation: Observation;
  readonly #names: DraftNames;
  /** `service operation` of what some service calls and waits for. */
  readonly #called = new Set<string>();

  constructor(observation: Observation, names: DraftNames) {
    this.#observation = observation;
    this.#names = names;
    for (const { operations, own } of observation.services.values())
      for (const { callees } of [...operations.values(), own]) this.#noteCalled(callees);
  }

  #noteCalled(callees: ObservedRuns['callees']): void {
    for (const [callee, { operations }] of callees)
      for (const [operation, { kinds }] of operations)
        if (kinds.has('request')) this.#called.add(keyOf(callee, operation));
  }

  /** Whether somebody's token is for it: what only works on its own account is a client. */
  isService(name: string): boolean {
    return (this.#observation.services.get(name)?.operations.size ?? 0) > 0;
  }

  service(service: ObservedService): DraftService {
    const name = this.#names.service(service.name);
    const unknown = service.operations.get(UNKNOWN);
    const scopes = new Map<string, DraftScope>();
    const named = [...service.operations].filter(([operation]) => operation !== UNKNOWN);
    const served = this.#needsUnknown(service) ? [[UNKNOWN, unknown ?? NO_RUNS] as const, ...named] : named;
    for (const [operation, runs] of served) {
      for (const scope of this.#names.scopes(service.name, operation)) {
        const known = scopes.get(scope);
        const drafted = this.#scope(service, scope, operation, runs);
        scopes.set(scope, known ? together(known, drafted) : drafted);
      }
    }
    return {
      name,
      remarks: name === service.name ? [] : [`The source calls it ${service.name}.`],
      authenticates: false,
      calls: unknown ? this.#calls(service.name, unknown) : [],
      scopes: [...scopes.values()],
    };
  }

  /** Whether the service takes requests of which nobody knows the operation. */
  #needsUnknown({ name, operations }: ObservedService): boolean {
    const runs = operations.get(UNKNOWN);
    return (
      (runs?.runs ?? 0) > 0 ||
      this.#called.has(keyOf(name, UNKNOWN)) ||
      (runs !== undefined && operations.size === 1)
    );
  }

  #scope(service: ObservedService, name: string, operation: string, runs: ObservedRuns): DraftScope {
    const remarks: string[] = [];
    if (this.#observation.basis === 'traffic' && operation !== UNKNOWN)
      remarks.push(`seen ${times(runs.runs)}`);
    if (operation === UNKNOWN && service.operations.size > 1)
      remarks.push('stands for calls of which nobody says what they called');
    if (runs.folded) remarks.push('ids in the path were folded into {id}: is this one operation?');
    return {
      name,
      remarks,
      operations: operation === UNKNOWN ? [] : [operation],
      calls: operation === UNKNOWN ? [] : this.#calls(service.name, runs),
    };
  }

  /** The client that asks for what was requested from outside. */
  edge(): readonly DraftClient[] {
    const wanted = new Map<string, Set<string>>();
    let lost = false;
    const tops: string[] = [];
    for (const service of this.#observation.services.values()) {
      for (const [operation, { requested, orphaned }] of service.operations) {
        const isCalled = this.#called.has(keyOf(service.name, operation));
        const isTop = operation === UNKNOWN && !isCalled && this.#needsUnknown(service);
        const isLost = orphaned > 0 && !isCalled;
        if (requested === 0 && !isLost && !isTop) continue;
        const name = this.#names.service(service.name);
        if (isLost) lost = true;
        if (isTop && requested === 0) tops.push(name);
        const scopes = wanted.get(name) ?? new Set();
        wanted.set(name, scopes);
        for (const scope of this.#names.scopes(service.name, operation)) scopes.add(scope);
      }
    }
    if (wanted.size === 0) return [];
    const remarks = [
      'Who asks from outside: the source does not say. Split it into the clients that there are.',
    ];
    if (lost) remarks.push('Some of this has a caller that the source lost: look before you grant it.');
    if (tops.length > 0)
      remarks.push(`Nobody was seen to call ${tops.join(', ')}: perhaps clients themselves.`);
    const calls = [...wanted].map(([callee, scopes]) => call(callee, [...scopes], 'embed'));
    return [{ name: this.#names.edge(), remarks, calls }];
  }

  /** Services that work on their own account, and there need a token of their own. */
  jobs(): readonly DraftClient[] {
    return [...this.#observation.services.values()].flatMap(({ name, own }) => {
      const calls = this.#calls(name, own).map((one) => ({ ...one, probability: 1 }));
      if (calls.every(({ mode }) => mode === 'none')) return [];
      const isService = this.isService(name);
      const remark = isService
        ? `What ${name} does without a request (jobs, messages): no caller's token is there.`
        : 'Nobody calls it, and it calls others.';
      return [{ name: this.#names.job(name, isService), remarks: [remark], calls }];
    });
  }

  #calls(caller: string, runs: ObservedRuns): DraftCall[] {
    return [...runs.callees].flatMap(([callee, seen]) => {
      const drafted = this.#call(callee, seen, runs.runs);
      return drafted.mode === 'none' && callee === caller ? [] : [drafted];
    });
  }

  /** A policy that names no operation lets all of them through. */
  #meant(callee: string, operation: string): readonly string[] {
    const isAll = this.#observation.basis === 'policy' && operation === UNKNOWN;
    const all = isAll ? [...(this.#observation.services.get(callee)?.operations.keys() ?? [])] : [];
    return [operation, ...all].flatMap((one) => this.#names.scopes(callee, one));
  }

  #call(callee: string, seen: ObservedCallee, runs: number): DraftCall {
    const kinds = new Set([...seen.operations.values()].flatMap((one) => [...one.kinds]));
    if (!kinds.has('request')) {
      const [kind] = kinds;
      return call(this.#names.service(callee), [], 'none', 1, kind && REMARKS[kind]);
    }
    const scopes = new Set<string>();
    for (const [operation, one] of seen.operations)
      if (one.kinds.has('request')) for (const scope of this.#meant(callee, operation)) scopes.add(scope);
    const isCounted = this.#observation.basis === 'traffic' && runs > 0;
    const probability = isCounted ? rounded(seen.runs / runs) : 1;
    const remark = kinds.has('message') ? 'messages go there as well' : '';
    return call(this.#names.service(callee), [...scopes], 'embed', probability, remark);
  }
}

const REMARKS: Readonly<Record<CallKind, string>> = {
  request: '',
  message: 'asynchronous: nobody waits for an answer, so no token goes along',
  store: 'a data store',
  broker: 'a broker',
  foreign: 'tells no spans: a foreign API, or a service that is not traced',
  tcp: 'plain TCP: no header to carry a token',
};

function call(
  callee: string,
  scopes: readonly string[],
  mode: DraftCall['mode'],
  probability = 1,
  remark = '',
): DraftCall {
  return { callee, scopes, mode, probability, remark };
}

function keyOf(service: string, operation: string): string {
  return JSON.stringify([service, operation]);
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count.toLocaleString('en')} times`;
}

/** Two digits that count; what is nearly always counts as always. */
function rounded(share: number): number {
  return share >= 0.995 ? 1 : Math.max(1e-6, Number(share.toPrecision(2)));
}

/** Two operations under one scope that a person named. */
function together(one: DraftScope, other: DraftScope): DraftScope {
  const calls = [...one.calls];
  for (const added of other.calls) {
    const at = calls.findIndex(({ callee }) => callee === added.callee);
    if (at === -1) calls.push(added);
    else calls[at] = joined(calls[at]!, added);
  }
  return { ...one, operations: [...one.operations, ...other.operations], calls };
}

function joined(one: DraftCall, other: DraftCall): DraftCall {
  const mode = one.mode === 'none' ? other.mode : one.mode;
  const scopes = [...new Set([...one.scopes, ...other.scopes])];
  return { ...one, mode, scopes, probability: Math.max(one.probability, other.probability) };
}

/** Rule 9: the calls of one service to one callee have one mode. A message beside requests is told, not declared. */
function agreeOnModes(service: DraftService): void {
  const lists = [service.calls, ...service.scopes.map((scope) => scope.calls)];
  const embedded = new Set(lists.flat().flatMap(({ callee, mode }) => (mode === 'embed' ? [callee] : [])));
  const drop = (calls: DraftCall[], remarks: string[]) => {
    for (const one of calls.filter(({ callee, mode }) => mode === 'none' && embedded.has(callee))) {
      calls.splice(calls.indexOf(one), 1);
      remarks.push(`goes to ${one.callee} as well, without waiting: one service has one mode for a callee`);
    }
  };
  drop(service.calls, []);
  for (const scope of service.scopes) drop(scope.calls, scope.remarks);
}
