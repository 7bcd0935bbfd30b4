/** The encoding of a response: what the request asks for, else that of the subject token, else the graph's. */
import type { Plan, ServicePlan } from '../../graph/index.ts';
import type { Encoding } from '../../token/index.ts';

/** @param asked absent: the graph decides. */
export function encodingFor(plan: Plan, entry: ServicePlan, asked: Encoding | undefined): Encoding {
  return entry.accepts === 'jwt' ? 'nested' : (asked ?? plan.issuer.encoding);
}
