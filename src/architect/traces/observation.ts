/**
 * The common form of all sources: how often each operation of each service ran, and which calls these runs made. Names
 * are those of the source, bounded and printable; no graph is involved.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { ImportWarnings, type ImportWarning } from './import-warnings.ts';
import { MAX_CALLEES, MAX_OPERATIONS, MAX_SERVICES } from './limits.ts';
import { ServiceNames, tooManyServices, type SourceName } from './service-names.ts';
import { isCatchAll } from './spans/operation.ts';
import { isProbe } from './spans/probe.ts';

/** `traffic`: what happened; `policy`: what is allowed. */
export type Basis = 'traffic' | 'policy';

/**
 * `request`: the caller waits for the response; `message`: it does not; `store`, `broker`: a database, a queue;
 * `foreign`: the callee sends no spans; `tcp`: a protocol without headers.
 */
export type CallKind = 'request' | 'message' | 'store' | 'broker' | 'foreign' | 'tcp';

export interface Observation {
  readonly basis: Basis;
  readonly services: ReadonlyMap<string, ObservedService>;
  /** By the name of the service here: the name and namespace that the source has, where they are known. */
  readonly sourceNames: ReadonlyMap<string, SourceName>;
  readonly warnings: readonly ImportWarning[];
  /** What was read, for messages: spans, rows or policies. */
  readonly read: { readonly what: string; readonly count: number };
}

export interface ObservedService {
  readonly name: string;
  /** By name; '' for unknown operations. */
  readonly operations: ReadonlyMap<string, ObservedRuns>;
  /** What it did without a request: jobs, and messages that it consumed. */
  readonly own: ObservedRuns;
}

export interface ObservedRuns {
  /** How often it ran; a rate if the source gives only rates. */
  readonly runs: number;
  /** Runs requested from outside. */
  readonly requested: number;
  /** Runs whose caller the source lost. */
  readonly orphaned: number;
  readonly folded: boolean;
  /** By callee. */
  readonly callees: ReadonlyMap<string, ObservedCallee>;
}

export interface ObservedCallee {
  /** Runs that call it at least once. */
  readonly runs: number;
  /** By operation; '' if it is unknown. */
  readonly operations: ReadonlyMap<string, ObservedCall>;
}

export interface ObservedCall {
  readonly count: number;
  readonly kinds: ReadonlySet<CallKind>;
}

/** While it is collected. */
type Growing<Observed> = {
  -readonly [Key in keyof Observed]: Observed[Key] extends ReadonlyMap<string, infer Value>
    ? Map<string, Growing<Value>>
    : Observed[Key] extends ReadonlySet<infer Value>
      ? Set<Value>
      : Observed[Key] extends object
        ? Growing<Observed[Key]>
        : Observed[Key];
};
type Runs = Growing<ObservedRuns>;
type Service = Growing<ObservedService>;

/** An operation that a source names; `own` for what a service did without a request. */
export interface Running {
  readonly service: string;
  readonly operation: string;
  readonly own?: boolean;
  readonly folded?: boolean;
}

/** Operations beyond the limit of a service are counted under this name. */
export const OTHER_OPERATIONS = '(other operations)';

export interface ObserverOptions {
  /** Name in the source → name to use. */
  readonly renames?: ReadonlyMap<string, string>;
  /** Whether health checks and metrics count as operations. */
  readonly withProbes?: boolean;
}

/** Collects an observation; sources only add to it. */
export class Observer {
  readonly warnings = new ImportWarnings();
  readonly names: ServiceNames;
  readonly #withProbes: boolean;
  readonly #services = new Map<string, Service>();
  #read = 0;

  constructor({ renames, withProbes = false }: ObserverOptions = {}) {
    this.names = new ServiceNames(renames);
    this.#withProbes = withProbes;
  }

  /** How much was read so far. */
  get count(): number {
    return this.#read;
  }

  /** Whether an operation is a health check or the like, which is left out: that is counted here. */
  leavesOut(operation: string): boolean {
    if (this.#withProbes || !isProbe(operation)) return false;
    this.warnings.add('probe', 1, operation);
    return true;
  }

  /** Counts what was read: a span, a row, a policy. */
  read(): void {
    this.#read++;
  }

  /** @param how `requested`: from outside; `orphaned`: by a caller that the source lost; else by a service. */
  run(running: Running, count = 1, how: 'called' | 'requested' | 'orphaned' = 'called'): void {
    const runs = this.#runs(running);
    runs.runs += count;
    if (how === 'requested') runs.requested += count;
    if (how === 'orphaned') runs.orphaned += count;
  }

  /** @param runs runs of the caller with a call to the callee, as far as no other call counts them. */
  call(
    caller: Running,
    callee: { readonly service: string; readonly operation: string; readonly kind: CallKind },
    count = 1,
    runs = count,
  ): void {
    const { callees } = this.#runs(caller);
    let to = callees.get(callee.service);
    if (!to) {
      if (callees.size === MAX_CALLEES) return this.warnings.add('many-callees', count);
      callees.set(callee.service, (to = { runs: 0, operations: new Map() }));
    }
    const isTaken = callee.kind === 'request' || callee.kind === 'message';
    const operation = isTaken ? this.#operationOf(callee.service, callee.operation) : '';
    const call = getOrAdd(to.operations, operation, () => ({ count: 0, kinds: new Set<CallKind>() }));
    call.count += count;
    call.kinds.add(callee.kind);
    to.runs += runs;
  }

  /** @param one what was read, in the singular; `many` is the plural. */
  finish(basis: Basis, one: string, many: string): Observation {
    for (const service of this.#services.values())
      for (const runs of [...service.operations.values(), service.own]) this.#resolveHosts(runs);
    if (basis === 'traffic') this.#reportCatchAlls();
    this.names.warn(this.warnings);
    for (const name of this.names.unusedRenames) this.warnings.add('unused-rename', 1, name);
    const { sourceNames } = this.names;
    const read = { what: this.#read === 1 ? one : many, count: this.#read };
    return { basis, services: this.#services, sourceNames, warnings: this.warnings.list(), read };
  }

  #reportCatchAlls(): void {
    for (const { name, operations } of this.#services.values())
      for (const operation of operations.keys())
        if (isCatchAll(operation)) this.warnings.add('catch-all', 1, `${name} ${operation}`);
  }

  /** A callee known only from the client's span may be a service whose own spans are elsewhere in the files. */
  #resolveHosts({ callees }: Runs): void {
    for (const [name, callee] of [...callees]) {
      const call = callee.operations.get('');
      if (!call?.kinds.has('foreign')) continue;
      const service = this.#serviceAt(name, call.count);
      if (service === undefined) continue;
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

  /** The service behind an address, such as `stock.shop.svc.cluster.local:8080`. */
  #serviceAt(address: string, count: number): string | undefined {
    const name = address.replace(/:\d+$/, '');
    const known = [address, name].find((one) => this.#services.has(one));
    if (known !== undefined) return known;
    const [, host = name, namespace] =
      /^([^.:]+)(?:\.([^.:]+))?(?:\.svc|\.local)(?:\.|$)/.exec(name) ??
      /^([^.:]+)\.([^.:]+)$/.exec(name) ??
      [];
    const placed = namespace === undefined ? [] : [this.names.find(host, namespace), `${host}.${namespace}`];
    const inPlace = placed.find((one) => one !== undefined && this.#services.has(one));
    if (inPlace !== undefined) return inPlace;
    if (this.names.isElsewhere(host, namespace)) {
      this.warnings.add('ambiguous-callee', count, address);
      return undefined;
    }
    // A host of two labels may be anything; only that of a cluster's DNS names a service.
    return /\.(?:svc|local)(?:\.|$)/.test(name) && this.#services.has(host) ? host : undefined;
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

  #operationOf(service: string, operation: string): string {
    const known = this.#services.get(service)?.operations;
    if (!known || known.has(operation) || known.size < MAX_OPERATIONS) return operation;
    this.warnings.add('many-operations');
    return OTHER_OPERATIONS;
  }

  #service(name: string): Service {
    let service = this.#services.get(name);
    if (service) return service;
    if (this.#services.size === MAX_SERVICES) throw tooManyServices();
    service = { name, operations: new Map(), own: newRuns() };
    this.#services.set(name, service);
    return service;
  }
}

function newRuns(): Runs {
  return { runs: 0, requested: 0, orphaned: 0, folded: false, callees: new Map() };
}
