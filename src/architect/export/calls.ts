/** The calls of a graph from both sides: who calls a service with which of its scopes, and whom it calls. */
import {
  callersOf,
  conditionsOn,
  endsOf,
  type Branch,
  type Caller,
  type Condition,
  type CallEnd,
  type Plan,
  type ScopePlan,
  type ServicePlan,
} from '../../graph/index.ts';

/** Whoever presents a token: a client its root, a service the child that names it. */
export type TokenCaller =
  | { readonly kind: 'client'; readonly name: string }
  | { readonly kind: 'service'; readonly name: string; readonly identities: readonly string[] };

export interface InboundCall {
  readonly caller: TokenCaller;
  readonly scopes: readonly ScopePlan[];
  /** The service whose own token is passed on (`mode: forward`): its token names `caller`, not that service. */
  readonly forwardedBy: string | undefined;
  /** Whether its tokens are encrypted to the service. */
  readonly sealed: boolean;
  /** What the user's claims must be for a client to get a scope. */
  readonly when: readonly Condition[];
  /** The last days of scopes of the call. */
  readonly ends: readonly CallEnd[];
}

export interface ServiceCalls {
  readonly into: readonly InboundCall[];
  readonly from: readonly Branch[];
}

/** Calls without a token (`mode: none`) are no calls into a service. */
export function callsOf(plan: Plan): ReadonlyMap<ServicePlan, ServiceCalls> {
  const callers = callersOf(plan);
  const calls = new Map<ServicePlan, { into: InboundCall[]; from: readonly Branch[] }>();
  for (const service of plan.services.values()) calls.set(service, { into: [], from: [] });
  for (const caller of callers) {
    const own = caller.service && calls.get(caller.service);
    if (own) own.from = caller.branches;
    for (const branch of caller.branches) {
      if (branch.service && hasOwnToken(branch))
        calls.get(branch.service)?.into.push({
          caller: tokenCaller(caller),
          scopes: branch.scopes,
          forwardedBy: undefined,
          sealed: branch.seal,
          when: conditionsOn(branch.calls, branch.scopes),
          ends: endsOf(branch.calls, branch.scopes),
        });
    }
  }
  // A forwarded token is that of the forwarder's callers. Such a token embeds nothing and is not passed on again.
  for (const { service: forwarder, branches } of callers) {
    for (const { service, mode, scopes, calls: merged } of branches) {
      const ends = endsOf(merged, scopes);
      if (mode !== 'forward' || !service || !forwarder) continue;
      for (const { caller } of [...(calls.get(forwarder)?.into ?? [])])
        calls.get(service)?.into.push({
          ...{ caller, scopes, ends },
          forwardedBy: forwarder.name,
          sealed: false, // it was opened to be sent on
          when: [],
        });
    }
  }
  return calls;
}

function hasOwnToken({ mode }: Branch): boolean {
  return mode === 'embed' || mode === 'exchange';
}

function tokenCaller({ name, service }: Caller): TokenCaller {
  return service ? { kind: 'service', name, identities: service.identities } : { kind: 'client', name };
}
