/**
 * Builds a draft from an observation: decides who is a service and who a client, adds a scope for each operation and a
 * call for each callee. Names come from `DraftNames`, which keeps those of an existing graph.
 */
import { getOrAdd } from '../../../get-or-add.ts';
import type { CallKind, Observation, ObservedCallee, ObservedRuns, ObservedService } from '../observation.ts';
import { isCatchAll } from '../spans/operation.ts';
import { breakCycles } from './break-cycles.ts';
import type { Draft, DraftCall, DraftClient, DraftScope, DraftService } from './draft.ts';
import type { DraftNames } from './draft-names.ts';
import { requiredLimits } from './required-limits.ts';

const UNKNOWN = '';
const NO_RUNS: ObservedRuns = { runs: 0, requested: 0, orphaned: 0, folded: false, callees: new Map() };

export function buildDraft(observation: Observation, names: DraftNames): Draft {
  const builder = new DraftBuilder(observation, names);
  const services = [...observation.services.values()].flatMap((service) =>
    builder.isService(service.name) ? [builder.service(service)] : [],
  );
  const clients = [...builder.edge(), ...builder.jobs()];
  for (const service of services) agreeOnModes(service);
  return { clients, services, limits: requiredLimits(breakCycles(services)) };
}

class DraftBuilder {
  readonly #observation: Observation;
  readonly #names: DraftNames;
  /** Keys of the operations that another service requests. */
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

  /** A service receives requests; a party that only calls others is a client. */
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
        scopes.set(scope, known ? mergeScopes(known, drafted) : drafted);
      }
    }
    return {
      name,
      remarks: name === service.name ? [] : [`Named ${service.name} in the source.`],
      authenticates: false,
      calls: unknown ? this.#calls(service.name, unknown) : [],
      scopes: [...scopes.values()],
    };
  }

  /** Whether the service receives requests whose operation is unknown. */
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
      remarks.push('for calls whose operation is unknown');
    if (this.#observation.basis === 'traffic' && isCatchAll(operation))
      remarks.push('every path matches this operation: which ones are meant?');
    if (runs.folded) remarks.push('ids in the path were replaced by {id}: is this one operation?');
    return {
      name,
      remarks,
      operations: operation === UNKNOWN ? [] : [operation],
      calls: operation === UNKNOWN ? [] : this.#calls(service.name, runs),
    };
  }

  /** One client for all requests from outside. */
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
        const scopes = getOrAdd(wanted, name, () => new Set());
        for (const scope of this.#names.scopes(service.name, operation)) scopes.add(scope);
      }
    }
    if (wanted.size === 0) return [];
    const remarks = ['The source does not name the callers from outside. Split this into your real clients.'];
    if (lost)
      remarks.push('Some of these requests have a caller that the source lost: check before you grant them.');
    if (tops.length > 0) remarks.push(`No caller of ${tops.join(', ')} was seen: perhaps they are clients.`);
    const calls = [...wanted].map(([callee, scopes]) => call(callee, [...scopes], 'embed'));
    return [{ name: this.#names.edge(), isUnnamed: true, remarks, calls }];
  }

  /** Clients for what services do without a request: that work needs a token of its own. */
  jobs(): readonly DraftClient[] {
    return [...this.#observation.services.values()].flatMap(({ name, own }) => {
      const calls = this.#calls(name, own).map((one) => ({ ...one, probability: 1 }));
      if (calls.every(({ mode }) => mode === 'none')) return [];
      const isService = this.isService(name);
      const remark = isService
        ? `What ${name} does without a request (jobs, messages), where it has no caller's token.`
        : 'It calls others, and no one calls it.';
      return [{ name: this.#names.job(name, isService), isUnnamed: false, remarks: [remark], calls }];
    });
  }

  #calls(caller: string, runs: ObservedRuns): DraftCall[] {
    return [...runs.callees].flatMap(([callee, seen]) => {
      const drafted = this.#call(callee, seen, runs.runs);
      return drafted.mode === 'none' && callee === caller ? [] : [drafted];
    });
  }

  /** A policy that names no operation allows all of them. */
  #scopesCalled(callee: string, operation: string): readonly string[] {
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
      if (one.kinds.has('request'))
        for (const scope of this.#scopesCalled(callee, operation)) scopes.add(scope);
    const isCounted = this.#observation.basis === 'traffic' && runs > 0;
    const probability = isCounted ? rounded(seen.runs / runs) : 1;
    const remark = kinds.has('message') ? 'also sends messages there' : '';
    return call(this.#names.service(callee), [...scopes], 'embed', probability, remark);
  }
}

const REMARKS: Readonly<Record<CallKind, string>> = {
  request: '',
  message: 'asynchronous: there is no reply, so no token is sent',
  store: 'a data store',
  broker: 'a broker',
  foreign: 'sends no spans: a foreign API, or a service without tracing',
  tcp: 'plain TCP: no header for a token',
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

/** Two significant digits; nearly always counts as always. */
function rounded(share: number): number {
  return share >= 0.995 ? 1 : Math.max(1e-6, Number(share.toPrecision(2)));
}

/** Two operations that the existing graph lists under one scope. */
function mergeScopes(one: DraftScope, other: DraftScope): DraftScope {
  const calls = [...one.calls];
  for (const added of other.calls) {
    const at = calls.findIndex(({ callee }) => callee === added.callee);
    if (at === -1) calls.push(added);
    else calls[at] = mergeCalls(calls[at]!, added);
  }
  return { ...one, operations: [...one.operations, ...other.operations], calls };
}

function mergeCalls(one: DraftCall, other: DraftCall): DraftCall {
  const mode = one.mode === 'none' ? other.mode : one.mode;
  const scopes = [...new Set([...one.scopes, ...other.scopes])];
  return { ...one, mode, scopes, probability: Math.max(one.probability, other.probability) };
}

/** Rule 9: the calls of one service to one callee share one mode. A message beside requests becomes a remark. */
function agreeOnModes(service: DraftService): void {
  const lists = [service.calls, ...service.scopes.map((scope) => scope.calls)];
  const embedded = new Set(lists.flat().flatMap(({ callee, mode }) => (mode === 'embed' ? [callee] : [])));
  const drop = (calls: DraftCall[], remarks: string[]) => {
    for (const one of calls.filter(({ callee, mode }) => mode === 'none' && embedded.has(callee))) {
      calls.splice(calls.indexOf(one), 1);
      remarks.push(`also sends messages to ${one.callee}: a service has one mode for each callee`);
    }
  };
  drop(service.calls, []);
  for (const scope of service.scopes) drop(scope.calls, scope.remarks);
}
