/**
 * Assigns what was seen to the declarations of a graph: counts which operation made which declared call, and reports
 * every call that no declaration covers.
 */
import { getOrAdd } from '../../../get-or-add.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan, ServicePlan } from '../../../graph/index.ts';
import { everyCall, overlapping, type GraphNames } from '../match/graph-names.ts';
import { matchScore } from '../match/operation-pattern.ts';
import type { Observation, ObservedCall, ObservedRuns } from '../observation.ts';
import { finding, type DriftFinding, type DriftSide } from './finding.ts';

export interface SeenCall {
  /** Operation of the caller → in how many of its runs the callee was called. */
  readonly byCaller: Map<string, number>;
  /** Scope of the callee → its operations that were called → how often. */
  readonly scopes: Map<string, Map<string, number>>;
}

interface Caller {
  readonly seenName: string;
  readonly operation: string;
  readonly party: ServicePlan | ClientPlan | undefined;
  /** The scopes that the operation belongs to; all of the service if the operation is unknown. */
  readonly scopes: readonly ScopePlan[];
  readonly calls: readonly CallPlan[];
}

export class Seen {
  readonly findings: DriftFinding[] = [];
  readonly calls = new Map<CallPlan, SeenCall>();
  /** Service → operation → runs; only services of the graph. */
  readonly runs = new Map<ServicePlan, Map<string, number>>();
  /** Service → scope → requests from outside or from a caller that the source lost. */
  readonly requests = new Map<ServicePlan, Map<string, number>>();
  /** Scopes that ran, or that a policy lets others use, by an operation that the source names. */
  readonly scopes = new Set<ScopePlan>();
  /** The same for the scopes that a call names, where the source names the caller's operation too. */
  readonly #exact = new Map<CallPlan, Set<ScopePlan>>();
  /** Requests from outside, by the scope. */
  readonly #asked = new Set<ScopePlan>();
  readonly #clientCalls: ReadonlySet<CallPlan>;
  readonly #observation: Observation;
  readonly #names: GraphNames;
  readonly #plan: Plan;

  constructor(observation: Observation, names: GraphNames) {
    this.#observation = observation;
    this.#names = names;
    this.#plan = names.plan;
    this.#clientCalls = new Set([...this.#plan.clients.values()].flatMap(({ calls }) => calls));
    for (const service of observation.services.values()) {
      for (const [operation, runs] of service.operations) this.#operation(service.name, operation, runs);
      this.#callees(this.#jobClient(service.name), service.own);
    }
  }

  /** Whether the source shows the call of this scope, or only that its service was called. */
  sightOf(call: CallPlan, target: ScopePlan): 'exact' | 'unclear' | 'none' {
    if (this.#exact.get(call)?.has(target)) return 'exact';
    if (this.calls.get(call)?.scopes.has(target.name)) return 'unclear';
    // A source does not name the clients outside: any that may ask counts.
    if (!this.#clientCalls.has(call) || !call.service) return 'none';
    if (this.#asked.has(target)) return 'exact';
    return this.requests.get(call.service)?.has(target.name) ? 'unclear' : 'none';
  }

  belongsTo(service: ServicePlan, scope: ScopePlan, operation: string): boolean {
    return this.#scopes(service, operation).includes(scope);
  }

  #operation(seenName: string, operation: string, runs: ObservedRuns): void {
    const service = this.#names.service(seenName);
    const scopes = service ? this.#scopes(service, operation) : [];
    if (service) {
      addTo(getOrAdd(this.runs, service, newCounts), operation, runs.runs);
      if (runs.runs > 0 && isExact(service, operation)) for (const scope of scopes) this.scopes.add(scope);
    }
    this.#requested(seenName, operation, service, scopes, runs);
    const client = service ? undefined : this.#names.client(seenName);
    const calls = client?.calls ?? [...(service?.calls ?? []), ...scopes.flatMap((scope) => scope.calls)];
    this.#callees({ seenName, operation, party: service ?? client, scopes, calls }, runs);
  }

  #jobClient(seenName: string): Caller {
    const client = this.#names.jobClient(seenName);
    const service = this.#names.service(seenName);
    // A call without a token may be declared by the service itself.
    const links = service ? everyCall(service).filter(({ mode }) => mode === 'none') : [];
    return {
      seenName,
      operation: '',
      party: client,
      scopes: [],
      calls: [...(client?.calls ?? []), ...links],
    };
  }

  #scopes(service: ServicePlan, operation: string): readonly ScopePlan[] {
    if (operation === '') return [...service.scopes.values()];
    const isPattern = this.#observation.basis === 'policy' && operation.includes('*');
    return isPattern ? overlapping(service, operation) : this.#names.scopes(service, operation);
  }

  #requested(
    seenName: string,
    operation: string,
    service: ServicePlan | undefined,
    scopes: readonly ScopePlan[],
    { requested, orphaned }: ObservedRuns,
  ): void {
    if (requested + orphaned === 0) return;
    if (service) {
      const known = getOrAdd(this.requests, service, newCounts);
      for (const scope of scopes) {
        addTo(known, scope.name, requested + orphaned);
        if (requested > 0 && isExact(service, operation)) this.#asked.add(scope);
      }
    }
    if (requested === 0) return;
    const isAskable = (scope: ScopePlan) =>
      [...this.#plan.clients.values()].some(({ calls }) =>
        calls.some((call) => call.service === service && call.scopes.includes(scope)),
      );
    if (service && scopes.some(isAskable)) return;
    const callee = sideOf(this.#names.nameOf(seenName), scopes, operation);
    const why = !service
      ? 'the graph has no such service'
      : scopes.length === 0
        ? `no scope of ${service.name} has this operation`
        : 'no client may request it';
    this.findings.push(
      finding(scopes[0] ?? service, {
        code: 'undeclared-request',
        callee,
        count: requested,
        runs: requested,
        message: why,
      }),
    );
  }

  #callees(caller: Caller, runs: ObservedRuns): void {
    for (const [name, { runs: callingRuns, operations }] of runs.callees) {
      const marked = new Set<CallPlan>();
      for (const [operation, call] of operations) {
        // A call to a service of the graph needs a token, even if the service itself sent no spans.
        const isRequest =
          call.kinds.has('request') || (call.kinds.has('foreign') && this.#names.service(name) !== undefined);
        const used = isRequest
          ? this.#request(caller, name, operation, call, runs.runs)
          : this.#link(caller, name, call, runs.runs);
        for (const one of used) marked.add(one);
      }
      for (const one of marked) {
        addTo(this.#seenCall(one).byCaller, caller.operation, callingRuns);
      }
    }
  }

  /** @returns the declared calls that cover this one. */
  #request(
    caller: Caller,
    name: string,
    operation: string,
    call: ObservedCall,
    runs: number,
  ): readonly CallPlan[] {
    const service = this.#names.service(name);
    const declared = caller.calls.filter(({ callee }) => callee === this.#names.nameOf(name));
    const scopes = service ? this.#scopes(service, operation) : [];
    const used = declared.filter((one) => one.scopes.some((scope) => scopes.includes(scope)));
    for (const one of used) {
      for (const scope of one.scopes) {
        if (!scopes.includes(scope)) continue;
        addTo(getOrAdd(this.#seenCall(one).scopes, scope.name, newCounts), operation, call.count);
        if (!service || !isExact(service, operation)) continue;
        this.scopes.add(scope);
        if (isExactCaller(caller, one)) getOrAdd(this.#exact, one, () => new Set<ScopePlan>()).add(scope);
      }
    }
    const untokened = declared.filter(({ mode, scopes: named }) => mode === 'none' && named.length === 0);
    if (untokened.length > 0) return [...used, ...untokened];
    const isCovered = (scope: ScopePlan) => used.some((one) => one.scopes.includes(scope));
    // A policy with a pattern allows every scope that the pattern matches.
    const isAll = this.#observation.basis === 'policy';
    const missing = isAll ? scopes.filter((scope) => !isCovered(scope)) : used.length > 0 ? [] : scopes;
    if (used.length > 0 && missing.length === 0) return used;
    if (isAll && scopes.length > 0)
      for (const scope of missing)
        this.#undeclared(caller, name, [scope], operation, service, call.count, runs);
    else this.#undeclared(caller, name, missing, operation, service, call.count, runs);
    return used;
  }

  #link(caller: Caller, name: string, call: ObservedCall, runs: number): readonly CallPlan[] {
    const callee = this.#names.nameOf(name);
    const own = caller.calls.filter((one) => one.callee === callee);
    if (own.length > 0) return own;
    // A message or a store counts as declared if any scope of the service declares it.
    const service = this.#names.service(caller.seenName);
    if (service && everyCall(service).some((one) => one.callee === callee)) return [];
    const message = `${[...call.kinds].map((kind) => LINKS[kind]).join(', ')}: no token is sent`;
    this.findings.push(
      finding(caller.party, {
        code: 'undeclared-link',
        caller: callerSide(caller, this.#names),
        callee: { name: callee },
        count: call.count,
        runs,
        message,
      }),
    );
    return [];
  }

  #undeclared(
    caller: Caller,
    name: string,
    scopes: readonly ScopePlan[],
    operation: string,
    service: ServicePlan | undefined,
    count: number,
    runs: number,
  ): void {
    const { party } = caller;
    const message = !party
      ? 'the graph has no such caller'
      : !service
        ? 'the graph has no such callee'
        : scopes.length === 0
          ? `no scope of ${service.name} has this operation`
          : caller.scopes.length === 0 && 'scopes' in party
            ? `no scope of ${party.name} has the calling operation`
            : this.#observation.basis === 'policy'
              ? 'the policies allow this call, but the graph does not declare it'
              : 'the graph does not declare this call';
    this.findings.push(
      finding(caller.scopes[0] ?? party, {
        code: 'undeclared-call',
        caller: callerSide(caller, this.#names),
        callee: sideOf(this.#names.nameOf(name), scopes, operation),
        count,
        runs,
        message,
      }),
    );
  }

  /** The declared operations of a scope that match none of the seen ones. */
  static unused(scope: ScopePlan, seen: readonly string[]): readonly string[] {
    return scope.operations.filter(
      (declared) => !seen.some((operation) => matchScore(declared, operation) > 0),
    );
  }

  #seenCall(call: CallPlan): SeenCall {
    return getOrAdd(this.calls, call, () => ({ byCaller: new Map(), scopes: new Map() }));
  }
}

/** Whether the source says which scope it was. */
function isExact(service: ServicePlan, operation: string): boolean {
  return operation !== '' || service.scopes.size === 1;
}

/** A client's call is not of a scope, nor is one that the service makes in every scope. */
function isExactCaller({ operation, party }: Caller, call: CallPlan): boolean {
  if (!party || !('scopes' in party)) return true;
  return isExact(party, operation) || party.calls.includes(call);
}

type Counts = Map<string, number>;
const newCounts = (): Counts => new Map();

function addTo(counts: Counts, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

const LINKS = {
  request: 'a request',
  message: 'a message',
  store: 'a data store',
  broker: 'a broker',
  foreign: 'a callee without spans',
  tcp: 'plain TCP',
} as const;

function callerSide({ seenName, operation, scopes }: Caller, names: GraphNames): DriftSide {
  return sideOf(names.nameOf(seenName), operation === '' ? [] : scopes, operation);
}

function sideOf(name: string, scopes: readonly ScopePlan[], operation: string): DriftSide {
  return {
    name,
    ...(scopes.length > 0 ? { scope: scopes.map((scope) => scope.name).join(' ') } : {}),
    ...(operation === '' ? {} : { operations: [operation] }),
  };
}
