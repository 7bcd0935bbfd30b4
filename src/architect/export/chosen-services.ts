/** The services that an export is asked for. */
import { usageError } from '../../errors.ts';
import { didYouMean } from '../../graph/index.ts';
import type { GraphModel, ServiceModel } from './service-model.ts';

/**
 * @param only names; undefined: all.
 * @throws WaybillError `usage` for a service that the graph does not have.
 */
export function wantedServices(
  { services }: GraphModel,
  only: readonly string[] | undefined,
): readonly ServiceModel[] {
  if (only === undefined) return [...services.values()];
  return only.map((name) => services.get(name) ?? unknownService(name, services.keys()));
}

export function unknownService(name: string, known: Iterable<string>): never {
  const hint = didYouMean(name, known);
  throw usageError(`The graph has no service ${name}.${hint === '' ? '' : ` ${hint}`}`);
}

/** An address for a name with a slip in it would leave a callee without one. */
export function requireCallees({ services }: GraphModel, names: Iterable<string>): void {
  const known = new Set(services.keys());
  for (const { outbound } of services.values()) for (const { name } of outbound) known.add(name);
  for (const name of names) if (!known.has(name)) unknownService(name, known);
}
