/**
 * `through`: every chain of calls from a client to a scope contains one of the named parties. In: declared calls. Out: the last
 * call of the shortest chain that has none; and calls whose tokens a service can fetch by exchange though the token that it
 * presents would not show the party, because it names less than its whole chain.
 */
import { getOrAdd } from '../../get-or-add.ts';
import type { Lineage } from '../../protocol.ts';
import { causeOfParties } from '../causes.ts';
import type {
  CallDeclaration,
  GraphDeclaration,
  ScopeDeclaration,
  ServiceDeclaration,
} from '../declare/declaration.ts';
import type { Findings } from '../finding.ts';
import { fewNames } from '../name-list.ts';

type LineageOf = (service: ServiceDeclaration) => Lineage;

/** A call into a scope that some chain leads to. */
interface Step {
  readonly caller: string;
  /** Absent for a client. */
  readonly holder: ServiceDeclaration | undefined;
  readonly call: CallDeclaration;
  readonly service: ServiceDeclaration;
  readonly scope: ScopeDeclaration;
  /** Whether the token of the caller shows one of the parties. */
  readonly isShown: boolean;
  /** The one before; absent where a client calls. */
  readonly before: Step | undefined;
}

export function checkThrough(graph: GraphDeclaration, lineageOf: LineageOf, findings: Findings): void {
  const known = new Map<string, { readonly real: Chains; readonly shown: Chains }>();
  for (const service of graph.services.values()) {
    for (const scope of service.scopes.values()) {
      if (!scope.through) continue;
      const parties = new Set(scope.through.map(({ value }) => value));
      const chains = getOrAdd(known, JSON.stringify([...parties].sort()), () => ({
        real: new Chains(graph, parties, () => 'full'),
        shown: new Chains(graph, parties, lineageOf),
      }));
      const without = chains.real.without(scope);
      for (const step of without) reportChain(step, parties, findings);
      if (without.length > 0) continue;
      for (const step of chains.shown.without(scope))
        if (step.holder?.auth) reportShort(step, parties, findings);
    }
  }
}

/** Every way to every scope; breadth first, so that the chains are the shortest. */
class Chains {
  readonly #graph: GraphDeclaration;
  readonly #parties: ReadonlySet<string>;
  readonly #lineageOf: LineageOf;
  readonly #waiting: Step[] = [];
  readonly #seen = { shown: new Set<ScopeDeclaration>(), hidden: new Set<ScopeDeclaration>() };
  /** The calls into a scope from whose chain no party shows. */
  readonly #without = new Map<ScopeDeclaration, Step[]>();

  /** @param lineageOf what the own tokens of a service show. */
  constructor(graph: GraphDeclaration, parties: ReadonlySet<string>, lineageOf: LineageOf) {
    this.#graph = graph;
    this.#parties = parties;
    this.#lineageOf = lineageOf;
    for (const { name, calls } of graph.clients.values()) this.#take(name, calls, undefined, false);
    for (let at = 0; at < this.#waiting.length; at += 1) {
      const step = this.#waiting[at]!;
      const { service, scope, isShown } = step;
      this.#take(service.name, [...service.calls, ...scope.calls], step, isShown);
    }
  }

  without(scope: ScopeDeclaration): readonly Step[] {
    return this.#without.get(scope) ?? [];
  }

  /** @param isAbove whether the caller's own token shows a party. */
  #take(caller: string, calls: readonly CallDeclaration[], before: Step | undefined, isAbove: boolean): void {
    const isParty = this.#parties.has(caller);
    for (const call of calls) {
      const service = call.mode === 'none' ? undefined : this.#graph.services.get(call.callee.value);
      if (!service) continue;
      // A forwarded token is the caller's own: the caller is in no chain, and the callee calls nobody with it.
      const isForwarded = call.mode === 'forward';
      const isListed = isAbove || (isParty && !isForwarded);
      const isShown = this.#lineageOf(service) === 'full' ? isListed : isParty;
      for (const { value } of call.scopes) {
        const scope = service.scopes.get(value);
        if (!scope) continue;
        const step = { caller, holder: before?.service, call, service, scope, isShown, before };
        if (!isListed) getOrAdd(this.#without, scope, () => []).push(step);
        const seen = this.#seen[isShown ? 'shown' : 'hidden'];
        if (isForwarded || seen.has(scope)) continue;
        seen.add(scope);
        this.#waiting.push(step);
      }
    }
  }
}

function reportChain(step: Step, parties: ReadonlySet<string>, findings: Findings): void {
  const { call, service, scope, caller } = step;
  const target = `${service.name}:${scope.name}`;
  const listed = fewNames([...parties]) || 'no one';
  const forwarder = call.mode === 'forward' && parties.has(caller);
  if (forwarder) {
    findings.add(
      'lineage-forwarded',
      call,
      `${caller} forwards its token to ${target}, so it is not in the chain that \`through\` asks for.`,
      'Embed the call or exchange for it: who forwards its own token is in no chain.',
    );
    return;
  }
  findings.add(
    'chain-not-listed',
    call,
    `${chainText(step)} leads to ${target} without any of: ${listed}.`,
    `Take one of these calls out, let the chain go through one of them, or ask the owner of ${service.name} to add a party to \`through\`.`,
    [],
    causeOfParties(
      `${target} through`,
      chainText(step),
      (chains) => `These lead to ${target} without any of ${listed}: ${chains}.`,
    ),
  );
}

function reportShort(step: Step, parties: ReadonlySet<string>, findings: Findings): void {
  const { call, service, scope, caller } = step;
  const target = `${service.name}:${scope.name}`;
  findings.add(
    'lineage-too-short',
    call,
    `${caller} can fetch a token for ${target}, and its own token does not always show ${fewNames([...parties])}, through which it came: ${chainText(step)}.`,
    `Set \`lineage: full\` under \`issuer\`, or for ${caller} and every service between.`,
    [],
    causeOfParties(
      `${target} lineage`,
      caller,
      (callers) =>
        `${callers} can fetch a token for ${target}, and their own tokens do not always show ${fewNames([...parties])}, through which they came.`,
    ),
  );
}

/** `web → edge → orders` */
function chainText(step: Step): string {
  const names: string[] = [];
  for (let at: Step | undefined = step; at; at = at.before) names.unshift(at.caller);
  return names.join(' → ');
}
