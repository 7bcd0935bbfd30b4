/**
 * Embedded calls between scopes must not form a cycle (rule 6). One call of each cycle becomes an exchange, and with it
 * all calls between the same two services, because these share one mode.
 */
import type { DraftCall, DraftScope, DraftService } from './draft.ts';

export interface ScopeNode {
  readonly key: string;
  readonly service: DraftService;
  readonly scope: DraftScope;
}

interface Step {
  readonly node: ScopeNode;
  readonly left: ReturnType<typeof embeddedCalls>;
  callee?: string;
}

/**
 * Walks depth first: a call to a scope that is still open closes a cycle.
 *
 * @returns all scopes, each behind those that its calls embed.
 */
export function breakCycles(services: readonly DraftService[]): readonly ScopeNode[] {
  const nodes = new Map<string, ScopeNode>();
  for (const service of services)
    for (const scope of service.scopes) {
      const key = keyOf(service.name, scope.name);
      nodes.set(key, { key, service, scope });
    }
  const calleesFirst: ScopeNode[] = [];
  const state = new Map<string, 'open' | 'done'>();
  for (const start of nodes.keys()) {
    const path: Step[] = [];
    const enter = (key: string) => {
      const node = nodes.get(key);
      if (!node || state.has(key)) return;
      state.set(key, 'open');
      path.push({ node, left: embeddedCalls(node) });
    };
    enter(start);
    for (let step = path.at(-1); step; step = path.at(-1)) {
      const next = step.left.pop();
      if (!next) {
        state.set(step.node.key, 'done');
        calleesFirst.push(step.node);
        path.pop();
        continue;
      }
      const { call, target } = next;
      // It may have become an exchange since the scope was entered.
      if (call.mode !== 'embed') continue;
      step.callee = call.callee;
      if (state.get(target) !== 'open') {
        enter(target);
        continue;
      }
      const { service } = step.node;
      exchange(service, call.callee);
      for (const { node } of cutAfter(path, service, call.callee)) state.delete(node.key);
    }
  }
  return calleesFirst;
}

/** Cuts off the path behind the call that no longer embeds: another call may still lead there, so it is visited again. */
function cutAfter(path: Step[], caller: DraftService, callee: string): Step[] {
  const at = path.findIndex((step) => step.node.service === caller && step.callee === callee);
  return path.splice(at + 1);
}

function exchange(caller: DraftService, callee: string): void {
  caller.authenticates = true;
  for (const call of [...caller.calls, ...caller.scopes.flatMap((scope) => scope.calls)]) {
    if (call.callee !== callee || call.mode !== 'embed') continue;
    call.mode = 'exchange';
    call.remark = 'fetched when needed, because these calls form a cycle';
  }
}

export function embeddedCalls({ service, scope }: ScopeNode): { call: DraftCall; target: string }[] {
  return [...service.calls, ...scope.calls].flatMap((call) =>
    call.mode === 'embed' ? call.scopes.map((name) => ({ call, target: keyOf(call.callee, name) })) : [],
  );
}

function keyOf(service: string, scope: string): string {
  return `${service}:${scope}`;
}
