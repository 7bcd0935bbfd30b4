/**
 * How large a token may be on one hop: the header budget. It is the smallest limit of the callee's own server and of all
 * proxies before it, less the bytes that other headers take.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  DEFAULT_RESERVE,
  type CallPlan,
  type HopDeclaration,
  type Reserve,
  type ServicePlan,
  type TokenShape,
} from '../../graph/index.ts';
import { countedBeside } from './counting.ts';
import { profiles } from './profiles.ts';

export interface HopBudget {
  /** Bytes of the largest bearer token that passes; absent where nothing limits it. */
  readonly limit: number | undefined;
  /** Whose limit it is: a profile's name, or `own limits`; absent where nothing limits it. */
  readonly profile: string | undefined;
}

/** `Authorization: Bearer ` and CRLF. */
const LINE_OVERHEAD = 24;

const UNLIMITED: HopBudget = { limit: undefined, profile: undefined };

/** The budget of one server or proxy on a hop. */
export function budgetAt(
  hop: Pick<HopDeclaration, 'profile' | 'maxLine' | 'maxTotal'>,
  reserve: Reserve,
): HopBudget {
  const profile = hop.profile === undefined ? undefined : profiles.get(hop.profile);
  const maxLine = hop.maxLine ?? profile?.maxLine;
  const maxTotal = hop.maxTotal ?? profile?.maxTotal;
  return smaller(
    budgetWithin(maxLine, LINE_OVERHEAD, hop.maxLine === undefined ? hop.profile : undefined),
    budgetWithin(
      maxTotal,
      countedBeside(reserve, profile?.counts ?? 'lines'),
      hop.maxTotal === undefined ? hop.profile : undefined,
    ),
  );
}

/** @param profile whose limit it is. Default: the graph's own. */
function budgetWithin(bytes: number | undefined, overhead: number, profile = 'own limits'): HopBudget {
  return bytes === undefined ? UNLIMITED : { limit: Math.max(0, bytes - overhead), profile };
}

/** The budgets of all hops, each worked out once. */
export class HopBudgets {
  readonly #services = new Map<ServicePlan, HopBudget>();
  readonly #calls = new Map<CallPlan, HopBudget>();

  /** @param calls the calls that carry the token: of a client, or the merged ones of a service. */
  budgetFor(service: ServicePlan, calls: readonly CallPlan[]): HopBudget {
    let smallest = this.#ofService(service);
    for (const call of calls) {
      if (call.via.length > 0) smallest = smaller(smallest, this.#ofCall(call, service));
    }
    return smallest;
  }

  /** The smallest budget of a token's hops: to its service, and to the services that get it forwarded. */
  budgetForToken({ service, branches }: TokenShape, calls: readonly CallPlan[]): HopBudget {
    return branches.reduce(
      (smallest, { mode, service: to, calls: on }) =>
        mode === 'forward' && to ? smaller(smallest, this.budgetFor(to, on)) : smallest,
      this.budgetFor(service, calls),
    );
  }

  /** The budget of each proxy before the callee, and of its own server. */
  listBudgets(service: ServicePlan, calls: readonly CallPlan[]): HopBudget[] {
    const { headers, zoneVia } = service;
    const hops = [...calls.flatMap((call) => call.via), ...zoneVia, ...(headers ? [headers] : [])];
    return hops.map((hop) => budgetAt(hop, reserveOf(service)));
  }

  #ofService(service: ServicePlan): HopBudget {
    return getOrAdd(this.#services, service, () => this.listBudgets(service, []).reduce(smaller, UNLIMITED));
  }

  #ofCall(call: CallPlan, service: ServicePlan): HopBudget {
    return getOrAdd(this.#calls, call, () =>
      call.via.map((hop) => budgetAt(hop, reserveOf(service))).reduce(smaller, UNLIMITED),
    );
  }
}

/** What requests to this service have beside their token. */
export function reserveOf(service: ServicePlan): Reserve {
  return service.headers?.reserve ?? DEFAULT_RESERVE;
}

function smaller(a: HopBudget, b: HopBudget): HopBudget {
  if (a.limit === undefined) return b;
  return b.limit === undefined || a.limit <= b.limit ? a : b;
}

export function fits(bytes: number, budget: HopBudget): boolean {
  return budget.limit === undefined || bytes <= budget.limit;
}
