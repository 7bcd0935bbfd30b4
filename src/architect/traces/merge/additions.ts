/**
 * What a graph lacks of a draft. In: a draft with the graph's own names, and the graph. Out: additions, each with the
 * place in the graph that it belongs to; nothing that people wrote is changed.
 */
import type { Node } from 'yaml';
import type { CallPlan, ClientPlan, Place, Plan, ScopePlan, ServicePlan } from '../../../graph/index.ts';
import type { Draft, DraftCall, DraftClient, DraftScope, DraftService } from '../draft/draft.ts';
import { callNode, clientNode, scopeNode, serviceNode } from '../draft/yaml.ts';

/** An entry of a mapping; or items of a list, where there is no key. */
export interface Addition {
  /** Empty: of a party that is new to the graph. */
  readonly file: string;
  /** Of the scope, call or party that it is an addition to; 0 for a new party. */
  readonly line: number;
  /** Keys from the root down to the mapping or list. */
  readonly path: readonly string[];
  readonly key?: string;
  readonly node: Node | readonly string[];
  readonly remarks: readonly string[];
}

/** What no text can be given for. */
export interface Open {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

export interface Additions {
  readonly additions: readonly Addition[];
  readonly open: readonly Open[];
}

export function findAdditions(plan: Plan, draft: Draft): Additions {
  const adding = new Adding(plan);
  for (const client of draft.clients) adding.client(client);
  for (const service of draft.services) adding.service(service);
  return adding;
}

class Adding implements Additions {
  readonly additions: Addition[] = [];
  readonly open: Open[] = [];
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  client(client: DraftClient): void {
    const known = this.#plan.clients.get(client.name);
    if (known) return this.#clientCalls(known, client.calls);
    const calls = client.calls.flatMap((call) => {
      const scopes = call.scopes.filter((scope) => !this.#isAskable(call.callee, scope));
      return scopes.length > 0 && !this.#plan.clients.has(call.callee) ? [{ ...call, scopes }] : [];
    });
    if (calls.length === 0) return;
    const node = clientNode({ ...client, calls });
    this.additions.push({
      file: '',
      line: 0,
      path: ['clients'],
      key: client.name,
      node,
      remarks: client.remarks,
    });
  }

  service(service: DraftService): void {
    const client = this.#plan.clients.get(service.name);
    if (client) return this.#clientCalls(client, service.calls);
    const known = this.#plan.services.get(service.name);
    if (!known) {
      const node = serviceNode(service);
      this.additions.push({
        file: '',
        line: 0,
        path: ['services'],
        key: service.name,
        node,
        remarks: service.remarks,
      });
      return;
    }
    for (const call of service.calls) this.#unknownCall(known, call);
    for (const scope of service.scopes) {
      const declared = known.scopes.get(scope.name);
      if (declared) this.#scopeCalls(known, declared, scope.calls);
      else this.#newScope(known, scope);
    }
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
    const calls = scope.calls.map((call) => this.#agreed(service, call));
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
        this.#newCall(scope, this.#agreed(service, { ...call, scopes: missing }), path);
      else
        this.#say(
          scope,
          `${service.name}:${scope.name} calls ${call.callee}; the source does not say for which scope`,
        );
    }
  }

  /** A call of which nobody knows the operation that makes it. */
  #unknownCall(service: ServicePlan, call: DraftCall): void {
    const every = [...service.calls, ...[...service.scopes.values()].flatMap((scope) => scope.calls)];
    const declared = every.filter(({ callee }) => callee === call.callee);
    const isCovered = (name: string) =>
      declared.some(({ scopes }) => scopes.some((one) => one.name === name));
    const missing = call.scopes.filter((name) => !isCovered(name));
    if (declared.length > 0 && missing.length === 0) return;
    const what = missing.length > 0 ? ` for ${missing.join(', ')}` : '';
    this.#say(
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

  /** Rule 9: calls of one service to one callee have one mode, that of those which are declared. */
  #agreed(service: ServicePlan, call: DraftCall): DraftCall {
    const every = [...service.calls, ...[...service.scopes.values()].flatMap((scope) => scope.calls)];
    const other = every.find(({ callee, mode }) => callee === call.callee && mode !== 'none');
    if (call.mode === 'none') return call;
    if (other?.mode === 'exchange') return { ...call, mode: 'exchange' };
    if (call.mode === 'exchange' && !service.auth) {
      this.#say(
        service,
        `${service.name} calls ${call.callee} in a circle: give it an \`auth\`, and the call \`mode: exchange\``,
      );
      return { ...call, mode: 'embed' };
    }
    return call;
  }

  #say(at: ClientPlan | ScopePlan | ServicePlan, what: string): void {
    this.open.push({ ...placeOf(at), what });
  }
}

function placeOf({ source, offset }: Place): { file: string; line: number } {
  return { file: source.file, line: source.locate(offset).line };
}
