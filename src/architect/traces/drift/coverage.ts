/** How much of a graph an observation has seen. Without it, a file with one span would look like proof of everything. */
import type { Plan } from '../../../graph/index.ts';
import { everyCall } from '../match/graph-names.ts';
import type { Seen } from './seen.ts';

export interface Share {
  readonly declared: number;
  readonly seen: number;
}

export interface Coverage {
  /** Each scope that a call names counts. `unclear`: the source lacks the operation, or the caller. */
  readonly calls: Share & { readonly unclear: number };
  readonly scopes: Share;
  readonly services: Share;
}

export function measureCoverage({ services, clients }: Plan, seen: Seen): Coverage {
  const all = [...services.values()];
  const scopes = all.flatMap((service) => [...service.scopes.values()]);
  const calls = [...all.flatMap(everyCall), ...[...clients.values()].flatMap((client) => client.calls)];
  let [declared, exact, unclear] = [0, 0, 0];
  for (const call of calls) {
    if (!call.service || call.mode === 'none') continue;
    for (const target of call.scopes) {
      declared++;
      const sight = seen.sightOf(call, target);
      if (sight === 'exact') exact++;
      if (sight === 'unclear') unclear++;
    }
  }
  return {
    calls: { declared, seen: exact, unclear },
    scopes: { declared: scopes.length, seen: scopes.filter((scope) => seen.scopes.has(scope)).length },
    services: { declared: all.length, seen: all.filter((service) => seen.runs.has(service)).length },
  };
}
