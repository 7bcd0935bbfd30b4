/**
 * Finds the calls of one trace and reports them to the observer: which operations ran, who requested them, and what each
 * run called. A *run* is the span at which a service takes over (its entry), with everything below that stays in this
 * service.
 */
import { getOrAdd } from '../../../get-or-add.ts';
import type { CallKind, Observer, Running } from '../observation.ts';
import type { Span } from './span.ts';

interface Node {
  readonly span: Span;
  parent: Node | undefined;
  /** The span at which its service took over; possibly itself. */
  entry: Node;
  /** The nearest span above, or itself, that is more than a step inside its service. */
  exit: Node;
  /** For a client's span: whether a span below continues the call, or another service received it. */
  answered: boolean;
  /** Whether client spans around it have been marked. */
  wrapped: boolean;
  /** For an entry: whether it is a health check or the like. */
  isProbe: boolean;
  /** For an entry: the operation that it runs. */
  running: Running;
}

const UNKNOWN_OPERATION = '';

/** A span that follows a redirect is not a call of its own: the response sent the client elsewhere. */
const REDIRECT = /\bredirect(ed|s|ion)?\b/i;

export function observeTrace(spans: readonly Span[], observer: Observer): void {
  const nodes = nodesOf(spans, observer);
  const ordered = parentsFirst(nodes, observer);
  for (const node of ordered) setEntryAndExit(node);
  const entries = ordered.filter((node) => node.entry === node);
  for (const entry of entries) {
    entry.isProbe = isRequest(entry.span) && observer.leavesOut(entry.span.operation);
    entry.running = runningOf(entry);
  }
  const calls = new RunCalls();
  for (const entry of entries) observeEntry(entry, calls, observer);
  for (const node of ordered) observeUnanswered(node, calls, observer);
  calls.report(observer);
}

/** One node per span; duplicates count once. */
function nodesOf(spans: readonly Span[], observer: Observer): Node[] {
  const byId = new Map<string, SpansOfId>();
  const nodes: Node[] = [];
  for (const span of spans) {
    if (span.service === '') {
      observer.warnings.add('nameless-service');
      continue;
    }
    const same = getOrAdd(byId, span.id, () => new SpansOfId());
    if (same.knows(span)) {
      observer.warnings.add('repeated-span');
      continue;
    }
    const node = {
      span,
      parent: undefined,
      answered: false,
      wrapped: false,
      isProbe: false,
    } as unknown as Node;
    node.entry = node.exit = node;
    same.add(node);
    nodes.push(node);
  }
  for (const node of nodes) node.parent = parentOf(node, byId);
  return nodes;
}

/**
 * The nodes with one span id. An honest trace has at most two, the halves of a call. In a hostile trace all spans may
 * share it, and each looks for its parent here; so the candidates are kept ready, and nothing is searched.
 */
class SpansOfId {
  /** By service: at most one of each kind. */
  readonly #byService = new Map<string, Node[]>();
  /** The first two: a node is not its own parent. */
  readonly #servers: Node[] = [];
  readonly #first: Node[] = [];
  caller: Node | undefined;

  knows({ kind, service }: Span): boolean {
    return this.#byService.get(service)?.some(({ span }) => span.kind === kind) ?? false;
  }

  add(node: Node): void {
    const { span } = node;
    getOrAdd(this.#byService, span.service, () => []).push(node);
    if (this.#first.length < 2) this.#first.push(node);
    if (span.kind === 'server' && this.#servers.length < 2) this.#servers.push(node);
    if (isCaller(span)) this.caller ??= node;
  }

  /**
   * The node with this id that is the parent of `child`: one of the same service, else a server's, else the first. If
   * the service called itself, both halves are its own, and what it did for the call is below the server's half.
   */
  parentOf(child: Node): Node | undefined {
    const isOther = (node: Node): boolean => node !== child;
    const own = this.#byService.get(child.span.service) ?? [];
    return (
      own.find((node) => isOther(node) && node.span.kind === 'server') ??
      own.find(isOther) ??
      this.#servers.find(isOther) ??
      this.#first.find(isOther)
    );
  }
}

function parentOf(node: Node, byId: ReadonlyMap<string, SpansOfId>): Node | undefined {
  const { span } = node;
  if (span.kind === 'server' || span.kind === 'consumer') {
    // Zipkin: both halves of a call share an id, and the client's half is the parent.
    const half = byId.get(span.id)?.caller;
    if (half) return half;
  }
  return span.parent === '' ? undefined : byId.get(span.parent)?.parentOf(node);
}

function isCaller({ kind, operation }: Span): boolean {
  return (kind === 'client' || kind === 'producer') && !REDIRECT.test(operation);
}

/** Parents before children; cycles are cut. */
function parentsFirst(nodes: readonly Node[], observer: Observer): readonly Node[] {
  const ordered: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  for (const start of nodes) {
    const chain: Node[] = [];
    let node: Node | undefined = start;
    while (node && !state.has(node)) {
      state.set(node, 'open');
      chain.push(node);
      node = node.parent;
    }
    if (node && state.get(node) === 'open') {
      observer.warnings.add('cyclic-parents');
      chain.at(-1)!.parent = undefined;
    }
    for (const one of chain.reverse()) {
      state.set(one, 'done');
      ordered.push(one);
    }
  }
  return ordered;
}

/** The parent's entry and exit must be set already. */
function setEntryAndExit(node: Node): void {
  const { span, parent } = node;
  const isInside = parent !== undefined && parent.span.service === span.service;
  const isStep = span.kind === 'internal' || (span.kind === 'client' && REDIRECT.test(span.operation));
  node.exit = isInside && isStep ? parent.exit : node;
  const takesOver = span.kind === 'server' || span.kind === 'consumer';
  // A server span inside another of the same service is a layer of its framework, unless a call led to it.
  const isCalled = takesOver && isInside && isCaller(parent.exit.span);
  node.entry = isInside && !isCalled ? parent.entry : node;
  if (isInside && isCaller(span)) markWrappers(parent);
}

/** Of nested client spans in one service, only the innermost is the call. */
function markWrappers(from: Node): void {
  for (let node: Node | undefined = from; node && !node.wrapped; node = node.parent) {
    node.wrapped = true;
    if (isCaller(node.span)) node.answered = true;
    if (node.entry === node) return;
  }
}

/** What an entry runs: a named operation, an unknown one, or the service's own work. */
function runningOf({ span, parent, isProbe }: Node): Running {
  const { service, operation, kind, folded } = span;
  // What a service does to say how it is, it does on its own.
  if (isProbe) return { service, operation: UNKNOWN_OPERATION, own: true };
  const isRoot = parent === undefined && span.parent === '';
  if (kind === 'consumer' || (isRoot && kind !== 'server' && kind !== 'unspecified'))
    return { service, operation: UNKNOWN_OPERATION, own: true };
  return isRequest(span) ? { service, operation, folded } : { service, operation: UNKNOWN_OPERATION };
}

function isRequest({ kind }: Span): boolean {
  return kind === 'server' || kind === 'unspecified';
}

function observeEntry(entry: Node, calls: RunCalls, observer: Observer): void {
  const { span, parent, running, isProbe } = entry;
  if (isProbe) {
    if (parent) parent.exit.answered = true;
    return;
  }
  if (parent === undefined) {
    const isLost = span.parent !== '';
    if (isLost) observer.warnings.add('missing-parent');
    return observer.run(running, 1, running.own ? 'called' : isLost ? 'orphaned' : 'requested');
  }
  const via = parent.exit;
  const isServer = span.kind === 'server';
  if (isServer && (via.span.kind === 'server' || via.span.kind === 'consumer') && !span.shared) {
    observer.warnings.add('server-under-server');
    return observer.run(running, 1, 'requested');
  }
  observer.run(running);
  if (isCaller(via.span)) via.answered = true;
  else observer.warnings.add(span.shared ? 'missing-client-half' : 'no-kind');
  const isMessage = span.kind === 'consumer' || via.span.kind === 'producer' || span.follows;
  if (!isMessage && running.operation === UNKNOWN_OPERATION) observer.warnings.add('no-operation');
  const operation = isMessage ? UNKNOWN_OPERATION : running.operation;
  calls.add(parent.entry, running.service, operation, isMessage ? 'message' : 'request');
}

/** A call whose other side sent no span. */
function observeUnanswered(node: Node, calls: RunCalls, observer: Observer): void {
  const { span } = node;
  if (span.kind === 'client' && REDIRECT.test(span.operation)) return observer.warnings.add('redirected');
  const peer = span.peer;
  const toBroker = span.kind === 'producer' && peer?.kind === 'broker';
  if (!isCaller(span) || (node.answered && !toBroker)) {
    if (span.kind === 'unspecified' && peer?.kind === 'store')
      calls.add(node.entry, observer.names.renamed(peer.name), UNKNOWN_OPERATION, 'store');
    return;
  }
  if (span.kind === 'client' && observer.leavesOut(span.operation)) return;
  if (!peer) return observer.warnings.add('nameless-callee');
  const kind: CallKind = peer.kind === 'store' || peer.kind === 'broker' ? peer.kind : 'foreign';
  calls.add(node.entry, observer.names.renamed(peer.name), UNKNOWN_OPERATION, kind);
}

interface RunCall {
  readonly kind: CallKind;
  readonly operation: string;
  count: number;
}

/** The calls of a trace by run, so that a run that calls twice counts as one calling run. */
class RunCalls {
  /** Run → callee → kind and operation. */
  readonly #byRun = new Map<Node, Map<string, Map<string, RunCall>>>();

  add(entry: Node, service: string, operation: string, kind: CallKind): void {
    const callees = getOrAdd(this.#byRun, entry, () => new Map<string, Map<string, RunCall>>());
    const calls = getOrAdd(callees, service, () => new Map<string, RunCall>());
    const key = `${kind} ${operation}`;
    const known = calls.get(key);
    if (known) known.count++;
    else calls.set(key, { kind, operation, count: 1 });
  }

  report(observer: Observer): void {
    for (const [entry, callees] of this.#byRun) {
      for (const [service, calls] of callees) {
        let runs = 1;
        for (const { kind, operation, count } of calls.values()) {
          observer.call(entry.running, { service, operation, kind }, count, runs);
          runs = 0;
        }
      }
    }
  }
}
