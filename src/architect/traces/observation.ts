/**
 * The common form of all sources: which operation of which service ran how often, and which calls its runs made.
 * Names are those of the source, bounded and printable; nothing here knows a graph.
 */
import { WaybillError } from '../../errors.ts';
import { ImportWarnings, type ImportWarning } from './import-warnings.ts';
import { MAX_CALLEES, MAX_OPERATIONS, MAX_SERVICES } from './limits.ts';

/** `traffic`: what happened; `policy`: what is let through. */
export type Basis = 'traffic' | 'policy';

/**
 * How a call went: `request`: somebody waits for the answer; `message`: nobody does; `store`, `broker`: a database, a
 * queue; `foreign`: someone who tells no spans; `tcp`: no protocol with headers.
 */
export type CallKind = 'request' | 'message' | 'store' | 'broker' | 'foreign' | 'tcp';

export interface Observation {
  readonly basis: Basis;
  readonly services: ReadonlyMap<string, ObservedService>;
  readonly warnings: readonly ImportWarning[];
  /** What was read, for people: spans, rows or policies. */
  readonly read: { readonly what: string; readonly count: number };
}

export interface ObservedService {
  readonly name: string;
  /** By the operation's name; under '' what ran of an operation that nobody names. */
  readonly operations: ReadonlyMap<string, ObservedRuns>;
  /** What it did without anybody's request: jobs, and messages that it took. */
  readonly own: ObservedRuns;
}

export interface ObservedRuns {
  /** How often it ran; requests in a unit of time where a source tells only that. */
  readonly runs: number;
  /** Of these, how many were asked for from outside: no service called. */
  readonly requested: number;
  /** Of these, how many had a caller that the source lost. */
  readonly orphaned: number;
  readonly folded: boolean;
  /** By callee. */
  readonly callees: ReadonlyMap<string, ObservedCallee>;
}

export interface ObservedCallee {
  /** In how many runs it was called at least once. */
  readonly runs: number;
  /** By operation; '' where nobody names it. */
  readonly operations: ReadonlyMap<string, ObservedCall>;
}

export interface ObservedCall {
  /** Calls. */
  readonly count: number;
  /** Runs of the caller with at least one. */
  readonly runs: number;
  readonly kinds: ReadonlySet<CallKind>;
}

interface Runs {
  runs: number;
  requested: number;
  orphaned: number;
  folded: boolean;
  readonly callees: Map<string, { runs: number; readonly operations: Map<string, Call> }>;
}

interface Call {
  count: number;
  runs: number;
  readonly kinds: Set<CallKind>;
}

interface Service {
  readonly name: string;
  readonly operations: Map<string, Runs>;
  readonly own: Runs;
}

/** An operation that a source names; `own` for what a service did without a request. */
export interface Running {
  readonly service: string;
  readonly operation: string;
  readonly own?: boolean;
  readonly folded?: boolean;
}

/** Operations beyond the bound of a service are counted under this name. */
export const OTHER_OPERATIONS = '(other operations)';

/** Collects an observation; the sources only ever add to it. */
export class Observer {
  readonly warnings = new ImportWarnings();
  readonly #services = new Map<string, Service>();
  #read = 0;

  /** Something was read: a span, a row, a policy. */
  read(count = 1): void {
    this.#read += count;
  }

  /** @param how `requested`: from outside; `orphaned`: by somebody whom the source lost; else by a service. */
  run(running: Running, count = 1, how: 'called' | 'requested' | 'orphaned' = 'called'): void {
    const runs = this.#runs(running);
    runs.runs += count;
    if (how === 'requested') runs.requested += count;
    if (how === 'orphaned') runs.orphaned += count;
  }

  /** @param runs of the caller, in which at least one of these calls happened; of the callee where it is known. */
  call(
    caller: Running,
    callee: { readonly service: string; readonly operation: string; readonly kind: CallKind },
    count = 1,
    runs: { readonly ofCall: number; readonly ofCallee: number } = { ofCall: count, ofCallee: count },
  ): void {
    const { callees } = this.#runs(caller);
    let to = callees.get(callee.service);
    if (!to) {
      if (callees.size === MAX_CALLEES) return this.warnings.add('many-callees', count);
      callees.set(callee.service, (to = { runs: 0, operations: new Map() }));
    }
    const isTaken = callee.kind === 'request' || callee.kind === 'message';
    const operation = isTaken ? this.#operationOf(callee.service, callee.operation) : '';
    let call = to.operations.get(operation);
    if (!call) to.operations.set(operation, (call = { count: 0, runs: 0, kinds: new Set() }));
    call.count += count;
    call.runs += runs.ofCall;
    call.kinds.add(callee.kind);
    to.runs += runs.ofCallee;
  }

  has(service: string): boolean {
    return this.#services.has(service);
  }

  /** @param one what was read, where that was one thing; `many` where it was none or several. */
  finish(basis: Basis, one: string, many: string): Observation {
    for (const service of this.#services.values())
      for (const runs of [...service.operations.values(), service.own]) this.#knowHosts(runs);
    const read = { what: this.#read === 1 ? one : many, count: this.#read };
    return { basis, services: this.#services, warnings: this.warnings.list(), read };
  }

  /** A callee that a client's span alone names may be a service that tells spans elsewhere. */
  #knowHosts({ callees }: Runs): void {
    for (const [name, callee] of [...callees]) {
      const call = callee.operations.get('');
      const host = /^([^.:]+)(?:\.[^.]+)?(?:\.svc|\.local)(?:\.|:|$)/.exec(name)?.[1];
      const service = [name, name.replace(/:\d+$/, ''), host ?? name].find((one) => this.#services.has(one));
      if (!call?.kinds.has('foreign') || service === undefined) continue;
      if (this.#services.get(service)!.operations.size === 0) continue;
      this.warnings.add('no-operation', call.count);
      call.kinds.delete('foreign');
      call.kinds.add('request');
      if (service === name) continue;
      callees.delete(name);
      const known = callees.get(service);
      if (!known) callees.set(service, callee);
      else if (!known.operations.has('')) known.operations.set('', call);
    }
  }

  #runs({ service: name, operation, own, folded }: Running): Runs {
    const service = this.#service(name);
    if (own) return service.own;
    const kept = this.#operationOf(name, operation);
    let runs = service.operations.get(kept);
    if (!runs) {
      service.operations.set(kept, (runs = newRuns()));
      if (folded) this.warnings.add('folded');
    }
    if (folded) runs.folded = true;
    return runs;
  }

  /** The name under which an operation is counted. */
  #operationOf(service: string, operation: string): string {
    const known = this.#services.get(service)?.operations;
    if (!known || known.has(operation) || known.size < MAX_OPERATIONS) return operation;
    this.warnings.add('many-operations');
    return OTHER_OPERATIONS;
  }

  #service(name: string): Service {
    let service = this.#services.get(name);
    if (service) return service;
    if (this.#services.size === MAX_SERVICES)
      throw new WaybillError(
        'source_too_large',
        `The files name more than ${MAX_SERVICES.toLocaleString('en')} services. Is the name of each instance taken for a service?`,
      );
    service = { name, operations: new Map(), own: newRuns() };
    this.#services.set(name, service);
    return service;
  }
}

function newRuns(): Runs {
  return { runs: 0, requested: 0, orphaned: 0, folded: false, callees: new Map() };
}
