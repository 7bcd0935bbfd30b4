/**
 * Finds what a graph lacks compared with a draft that uses the graph's names. Each addition has its place in the graph;
 * nothing that is written there changes.
 */
import type { Node } from 'yaml';
import type { CallPlan, ClientPlan, Place, Plan, ScopePlan, ServicePlan } from '../../../graph/index.ts';
import type { Draft, DraftCall, DraftClient, DraftScope, DraftService } from '../draft/draft.ts';
import { everyCall } from '../match/graph-names.ts';
import { callNode, clientNode, scopeNode, serviceNode } from '../draft/yaml.ts';

/** A new entry of a mapping, or without `key` new items of a list. */
export interface Addition {
  /** Empty for a new party. */
  readonly file: string;
  /** Line of the scope, call or party that it belongs to; 0 for a new party. */
  readonly line: number;
  /** Keys from the root down to the mapping or list. */
  readonly path: readonly string[];
  readonly key?: string;
  readonly node: Node | readonly string[];
  readonly remarks: readonly string[];
}

/** What the source does not say precisely enough to write it. */
export interface Unresolved {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

export interface Additions {
  readonly additions: readonly Addition[];
  readonly unresolved: readonly Unresolved[];
}

export function findAdditions(plan: Plan, draft: Draft): Additions {
  const collector = new AdditionCollector(plan);
  for (const client of draft.clients) collector.client(client);
  for (const service of draft.services) collector.service(service);
  return collector;
}

class AdditionCollector implements Additions {
  readonly additions: Addition[] = [];
  readonly unresolved: Unresolved[] = [];
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  client(client: DraftClient): void {
    const known = this.#plan.clients.get(client.name);
    const calls = client.isUnnamed ? client.calls.flatMap((call) => this.#unasked(call)) : client.calls;
    if (known) this.#clientCalls(known, calls);
    else if (calls.length > 0) this.#newParty('clients', client, clientNode({ ...client, calls }));
  }

  /** What no client of the graph may ask for: the others may be those that the source does not name. */
  #unasked(call: DraftCall): readonly DraftCall[] {
    const scopes = call.scopes.filter((scope) => !this.#isAskable(call.callee, scope));
    return scopes.length > 0 && !this.#plan.clients.has(call.callee) ? [{ ...call, scopes }] : [];
  }

  service(service: DraftService): void {
    const client = this.#plan.clients.get(service.name);
    if (client) return this.#clientCalls(client, service.calls);
    const known = this.#plan.services.get(service.name);
    if (!known) return this.#newParty('services', service, serviceNode(service));
    for (const call of service.calls) this.#unknownCall(known, call);
    for (const scope of service.scopes) {
      const declared = known.scopes.get(scope.name);
      if (declared) this.#scopeCalls(known, declared, scope.calls);
      else this.#newScope(known, scope);
    }
  }

  #newParty(section: string, { name, remarks }: DraftClient | DraftService, node: Node): void {
    this.additions.push({ file: '', line: 0, path: [section], key: name, node, remarks });
  }

  #isAskable(callee: string, scope: string): boolean {
    return [...this.#plan.clients.values()].some(({ calls }) =>
      calls.some((call) => call.callee === callee && call.scopes.some(({ name }) => name === scope)),
    );
  }

  #clientCalls(client: ClientPlan, calls: readonly DraftCall[]): void {
    for (const call of calls) {
      if (call.mode === 'none') continue;
      const declared = client.calls.find(({ callee }) => callee === call.callee);
      const path = ['clients', client.name, 'calls'];
      if (declared) this.#moreScopes(declared, call, path);
      else this.#newCall(client, { ...call, mode: 'embed' }, path);
    }
  }

  #newScope(service: ServicePlan, scope: DraftScope): void {
    const calls = scope.calls.map((call) => this.#withDeclaredMode(service, call));
    this.additions.push({
      ...placeOf(service),
      path: ['services', service.name, 'scopes'],
      key: scope.name,
      node: scopeNode({ ...scope, calls }),
      remarks: scope.remarks,
    });
  }

  #scopeCalls(service: ServicePlan, scope: ScopePlan, calls: readonly DraftCall[]): void {
    const path = ['services', service.name, 'scopes', scope.name, 'calls'];
    for (const call of calls) {
      const declared = [...scope.calls, ...service.calls].filter(({ callee }) => callee === call.callee);
      const missing = call.scopes.filter(
        (name) => !declared.some(({ scopes }) => scopes.some((one) => one.name === name)),
      );
      const own = scope.calls.find(({ callee }) => callee === call.callee);
      if (declared.length > 0 && missing.length === 0) continue;
      if (own) this.#moreScopes(own, { ...call, scopes: missing }, path);
      else if (call.mode === 'none' || call.scopes.length > 0)
        this.#newCall(scope, this.#withDeclaredMode(service, { ...call, scopes: missing }), path);
      else
        this.#report(
          scope,
          `${service.name}:${scope.name} calls ${call.callee}; the source does not say with which scope`,
        );
    }
  }

  /** A call of an unknown operation of the service. */
  #unknownCall(service: ServicePlan, call: DraftCall): void {
    const declared = everyCall(service).filter(({ callee }) => callee === call.callee);
    const isCovered = (name: string) =>
      declared.some(({ scopes }) => scopes.some((one) => one.name === name));
    const missing = call.scopes.filter((name) => !isCovered(name));
    if (declared.length > 0 && missing.length === 0) return;
    const what = missing.length > 0 ? ` for ${missing.join(', ')}` : '';
    this.#report(
      service,
      `${service.name} calls ${call.callee}${what}; the source does not say in which operation`,
    );
  }

  #newCall(at: ClientPlan | ScopePlan, call: DraftCall, path: readonly string[]): void {
    const node = callNode(call);
    this.additions.push({
      ...placeOf(at),
      path,
      key: call.callee,
      node,
      remarks: [call.remark].filter(Boolean),
    });
  }

  #moreScopes(declared: CallPlan, call: DraftCall, path: readonly string[]): void {
    const missing = call.scopes.filter((name) => !declared.scopes.some((scope) => scope.name === name));
    if (missing.length === 0 || declared.mode === 'none') return;
    this.additions.push({
      ...placeOf(declared),
      path: [...path, declared.callee],
      node: missing,
      remarks: [],
    });
  }

  /** Rule 9: calls of one service to one callee share one mode, here that of the declared calls. */
  #withDeclaredMode(service: ServicePlan, call: DraftCall): DraftCall {
    const other = everyCall(service).find(({ callee, mode }) => callee === call.callee && mode !== 'none');
    if (call.mode === 'none') return call;
    if (other?.mode === 'exchange') return { ...call, mode: 'exchange' };
    if (call.mode === 'exchange' && !service.auth) {
      this.#report(
        service,
        `${service.name} calls ${call.callee} in a cycle: give it \`auth\`, and the call \`mode: exchange\``,
      );
      return { ...call, mode: 'embed' };
    }
    return call;
  }

  #report(at: ClientPlan | ScopePlan | ServicePlan, what: string): void {
    this.unresolved.push({ ...placeOf(at), what });
  }
}

function placeOf({ source, offset }: Place): { file: string; line: number } {
  return { file: source.file, line: source.locate(offset).line };
}
