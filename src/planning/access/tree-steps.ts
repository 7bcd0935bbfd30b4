/**
 * Holds an issued tree against a graph. In: the claims of its tokens, whose signatures were verified. Out: every step that is
 * no call of the graph, and everything that a token has and the graph does not give it.
 */
import {
  RESERVED_CLAIMS,
  mergeCalls,
  nameList,
  Walk,
  type Branch,
  type Plan,
  type ScopePlan,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';

/** What is looked at of a token; `claims` as it has them. */
export interface IssuedToken {
  /** The callee's name in its parent; empty for the root. */
  readonly name: string;
  readonly claims: Readonly<Record<string, unknown>> & {
    readonly aud: string | readonly string[];
    readonly client_id: string;
    readonly scope?: string;
    readonly act?: { readonly sub: string; readonly also?: readonly string[] };
  };
  readonly children: readonly IssuedToken[];
}

export interface TreeFault {
  /** Names from the root down; empty for the root. */
  readonly path: readonly string[];
  readonly fault: string;
}

/** @returns nothing where every token has at most what a call of the graph gives. */
export function unplannedSteps(plan: Plan, root: IssuedToken): readonly TreeFault[] {
  const steps = new Steps(plan);
  steps.root(root);
  return steps.faults;
}

class Steps {
  readonly faults: TreeFault[] = [];
  readonly #plan: Plan;
  readonly #walk = new Walk();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  root(token: IssuedToken): void {
    const { client_id: name, act } = token.claims;
    const client = this.#plan.clients.get(name);
    if (!client) return this.#add([], `the graph has no client ${JSON.stringify(name)}`);
    const calls = act === undefined ? [client.calls] : this.#callsOf(act.sub);
    if (!calls) return this.#add([], `no service of the graph has the identity ${JSON.stringify(act?.sub)}`);
    const audience = primary(token);
    const branch = mergeCalls(calls).find(({ service }) => service?.audiences.includes(audience));
    if (!branch?.service || branch.mode === 'none')
      return this.#add(
        [],
        `${act?.sub ?? name} calls no service with the audience ${JSON.stringify(audience)}`,
      );
    this.#step(token, branch, branch.service, []);
  }

  /** Of a token that was fetched, its caller's scopes are not known: all count. */
  #callsOf(identity: string): ServicePlan['calls'][] | undefined {
    const caller = [...this.#plan.services.values()].find(({ identities }) => identities.includes(identity));
    return caller && [caller.calls, ...Array.from(caller.scopes.values(), ({ calls }) => calls)];
  }

  #step(token: IssuedToken, branch: Branch, service: ServicePlan, path: readonly string[]): void {
    const named = new Set(token.claims.scope?.split(' ') ?? []);
    const granted = branch.scopes.filter(({ name }) => named.has(name));
    const body = this.#walk.body(service, granted);
    this.#checkScopes(named, body, path);
    this.#checkClaims(token, body, path);
    for (const child of token.children) this.#child(child, service, granted, [...path, child.name]);
  }

  #child(
    token: IssuedToken,
    caller: ServicePlan,
    granted: readonly ScopePlan[],
    path: readonly string[],
  ): void {
    const calls = [caller.calls, ...granted.map((scope) => scope.calls)];
    const branch = mergeCalls(calls).find(({ callee }) => callee === token.name);
    const { sub: presenter, also = [] } = token.claims.act ?? {};
    if (!branch?.service || (branch.mode !== 'embed' && branch.mode !== 'exchange'))
      return this.#add(path, `with its scopes ${caller.name} does not call ${JSON.stringify(token.name)}`);
    if (!branch.service.audiences.includes(primary(token)))
      this.#add(path, `its audience is not that of ${token.name}, ${branch.service.audience}`);
    const others = [presenter, ...also].filter(
      (name) => name === undefined || !caller.identities.includes(name),
    );
    for (const other of others)
      this.#add(
        path,
        `it is for ${JSON.stringify(other)} to present, not for ${nameList(caller.identities)}`,
      );
    this.#step(token, branch, branch.service, path);
  }

  #checkScopes(named: ReadonlySet<string>, body: TokenBody, path: readonly string[]): void {
    const given = new Set(body.scope.split(' '));
    const more = [...named].filter((name) => !given.has(name));
    if (more.length > 0) this.#add(path, `the graph does not give it ${nameList(more)}`);
  }

  #checkClaims({ claims }: IssuedToken, body: TokenBody, path: readonly string[]): void {
    const given = new Set(body.claims.map(({ claim }) => claim.name));
    const more = Object.keys(claims).filter((name) => !RESERVED_CLAIMS.has(name) && !given.has(name));
    if (more.length > 0) this.#add(path, `the graph does not give it the claim ${nameList(more)}`);
  }

  #add(path: readonly string[], fault: string): void {
    this.faults.push({ path, fault });
  }
}

function primary({ claims: { aud } }: IssuedToken): string {
  return typeof aud === 'string' ? aud : (aud[0] ?? '');
}
