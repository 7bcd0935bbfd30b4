/**
 * `never` and `only`: which chains of calls lead to a scope. Every call counts as made and every condition as met, so a chain
 * may be one that no user can bring about; none that a user can is missed.
 */
import { selectorText, type Plan, type ScopePlan } from '../../graph/index.ts';
import { Calls, type Step } from '../../planning/access/index.ts';
import type { ChainRule, Contradiction, Parties, Target } from './assertion.ts';

export function judgeChains(
  plan: Plan,
  { form, from, to }: ChainRule,
  mayBeEmpty: boolean,
): readonly Contradiction[] {
  const chains = new Chains(plan, from.names, form);
  const contradictions = to.flatMap((target): Contradiction[] => {
    const link = chains.find(target.scope, form === 'never');
    if (link) return [contradiction(form, target, chains, link)];
    const isReached = chains.find(target.scope, form === 'only');
    return isReached || mayBeEmpty ? [] : [unreached(target)];
  });
  return [...(mayBeEmpty ? [] : emptySelectors(from)), ...contradictions];
}

/** A test that nothing can break says nothing, and would go on saying so after a typo. */
export function emptySelectors({ empty }: Parties): Contradiction[] {
  return empty.map((criteria) => ({
    place: criteria,
    message: `no client and no service fits ${selectorText(criteria)}, so there is nothing to judge.`,
    hint: 'Compare it with the zone, owner, namespace and labels of the parties that are meant, or write `may_be_empty: true`.',
  }));
}

function unreached(target: Target): Contradiction {
  return {
    place: target,
    message: `no client reaches ${nameOf(target)}, so there is nothing to judge.`,
    hint: 'Name a scope that a client reaches, or write `may_be_empty: true`.',
  };
}

function contradiction(form: ChainRule['form'], target: Target, chains: Chains, link: Link): Contradiction {
  const chain = chains.textOf(link);
  return {
    place: target,
    message:
      form === 'never'
        ? `a chain of calls leads to ${nameOf(target)}: ${chain}.`
        : `a chain of calls leads to ${nameOf(target)} past all of them: ${chain}.`,
    hint: 'Take out one of its calls, or change the test.',
    call: link.step.call,
  };
}

function nameOf({ service, scope }: Target): string {
  return `${service.name}:${scope.name}`;
}

/** The end of a chain of calls. */
interface Link {
  readonly step: Step;
  /** Whether one of the parties is in the chain. */
  readonly isPassed: boolean;
  readonly before: Link | undefined;
}

/** The shortest chain to every scope, of those that pass one of the parties, and of those that pass none. */
class Chains {
  readonly #calls: Calls;
  readonly #parties: ReadonlySet<string>;
  readonly #form: ChainRule['form'];
  readonly #passing = new Map<ScopePlan, Link>();
  readonly #past = new Map<ScopePlan, Link>();

  constructor(plan: Plan, parties: ReadonlySet<string>, form: ChainRule['form']) {
    this.#calls = new Calls(plan);
    this.#parties = parties;
    this.#form = form;
    const queue: Link[] = [];
    for (const client of plan.clients.values()) this.#follow(client, undefined, queue);
    // It grows meanwhile.
    for (const link of queue) this.#follow(link.step.to, link, queue);
  }

  find(scope: ScopePlan, isPassed: boolean): Link | undefined {
    return (isPassed ? this.#passing : this.#past).get(scope);
  }

  #follow(from: Step['from'], before: Link | undefined, queue: Link[]): void {
    for (const step of this.#calls.outOf.get(from) ?? []) {
      const isPassed = before?.isPassed === true || this.#isParty(step);
      const found = isPassed ? this.#passing : this.#past;
      if (found.has(step.to)) continue;
      const link = { step, isPassed, before };
      found.set(step.to, link);
      queue.push(link);
    }
  }

  /** Who forwards its own token is in no chain; what `never` forbids it brings about all the same. */
  #isParty(step: Step): boolean {
    if (this.#form === 'only' && step.call.mode === 'forward') return false;
    return this.#parties.has(this.#calls.callerOf(step));
  }

  /** `web → edge → orders:place` */
  textOf(last: Link): string {
    const names = [this.#calls.nameOf(last.step.to)];
    for (let link: Link | undefined = last; link; link = link.before)
      names.unshift(this.#calls.callerOf(link.step));
    return names.join(' → ');
  }
}
