/**
 * Compares who may declare parties: the files of each owner, and the owners of each zone. In: two plans. Out: changes. They
 * change no token, but a wider list lets more people put a party where a selector or a zone gives it authority.
 */
import type { Plan } from '../../graph/index.ts';
import { changedSet, inProse, type Change } from './change.ts';

export function compareOwners(older: Plan, newer: Plan): Change[] {
  return [...compareFiles(older.owners, newer.owners), ...compareZones(older, newer)];
}

function compareFiles(older: Plan['owners'], newer: Plan['owners']): Change[] {
  if (!older && !newer) return [];
  if (!older) return [changeOf('narrows', 'owners now have files of their own')];
  if (!newer) return [changeOf('widens', 'owners no longer have files of their own')];
  return [...new Set([...older.keys(), ...newer.keys()])].flatMap((owner): Change[] => {
    const changed = changedSet(older.get(owner) ?? [], newer.get(owner) ?? []);
    if (!changed) return [];
    const files = inProse(newer.get(owner) ?? []) || 'no file';
    return [
      changeOf(
        changed.mark,
        `the parties of ${owner} may stand in ${files}, not ${inProse(older.get(owner) ?? []) || 'in any'}`,
      ),
    ];
  });
}

/** Of zones in both graphs: a new one has no parties yet that were elsewhere. */
function compareZones(older: Plan, newer: Plan): Change[] {
  return [...newer.zones].flatMap(([name, { owners }]): Change[] => {
    const before = older.zones.get(name);
    if (!before) return [];
    const was = before.owners;
    if (!was || !owners) {
      if (was === owners) return [];
      return owners
        ? [changeOf('narrows', `the zone ${name} is now for parties of ${inProse(owners) || 'no one'} alone`)]
        : [changeOf('widens', `the zone ${name} is now open to parties of any owner`)];
    }
    const changed = changedSet(was, owners);
    if (!changed) return [];
    const what = `the zone ${name} is for parties of ${inProse(owners) || 'no one'}, not ${inProse(was) || 'no one'}`;
    return [changeOf(changed.mark, what)];
  });
}

function changeOf(mark: Change['mark'], what: string): Change {
  return { mark, kind: 'owners', party: { kind: 'graph' }, what };
}
