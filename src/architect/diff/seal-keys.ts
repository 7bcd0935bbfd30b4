/**
 * Keys to which tokens are sealed, as far as their files were read: another key in the file that the graph names is a change,
 * though the graph is the same. In: two plans, and thumbprints. Out: changes.
 */
import { sealedServices, type Plan } from '../../graph/index.ts';
import { changesOf, type Change } from './change.ts';

/** Thumbprints (RFC 7638) of the keys to which tokens of a service are sealed, by its name, where they are known. */
export interface SealKeyThumbprints {
  readonly older?: ReadonlyMap<string, string>;
  readonly newer?: ReadonlyMap<string, string>;
}

export function compareSealKeys(older: Plan, newer: Plan, keys: SealKeyThumbprints): Change[] {
  const before = new Set(sealedServices(older).map(({ name }) => name));
  return sealedServices(newer).flatMap((service): Change[] => {
    const [was, is] = [keys.older?.get(service.name), keys.newer?.get(service.name)];
    if (!before.has(service.name) || was === undefined || is === undefined || was === is) return [];
    const what = `tokens for ${service.name} are sealed to the key ${is}, not to ${was}`;
    return [changesOf('service', service)('widens', 'encryption', what)];
  });
}
