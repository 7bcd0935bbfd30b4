/**
 * Where a value decides authority: who may call, with what, under which conditions, and who may read. A variable there
 * must say what it can be, so that no command line adds a call, a scope or a caller.
 */

/** Keys of a party, a zone, a claim or `defaults`; all that stands below them decides too. */
const KEYS: ReadonlySet<string> = new Set([
  'calls',
  'scopes',
  'callers',
  'through',
  'accepts_forward',
  'introspect',
  'when',
  'zone',
  'zones',
  'mode',
  'seal',
  'until',
  'external',
  'caller',
  'owners',
  // Who may read what; and of a client, facts that conditions read.
  'claims',
  'set_by',
  'acr',
]);
/** Sections whose keys are names that the authors chose. */
const NAMED: ReadonlySet<string> = new Set(['subjects', 'zones', 'claims', 'clients', 'services', 'domains']);
/** Below these, keys are names of the authors' own and values are plain text. */
const PLAIN: ReadonlySet<string> = new Set(['labels', 'auth', 'encryption']);

/** Where in a file a value is: what its keys mean. */
export type Region = 'file' | 'names' | 'settings' | 'plain' | 'deciding';

export function regionBelow(region: Region, key: string): Region {
  switch (region) {
    case 'file':
      if (key === 'conditions' || key === 'owners') return 'deciding';
      if (key === 'accepted') return 'plain';
      return NAMED.has(key) ? 'names' : 'settings';
    case 'names':
      return 'settings';
    case 'settings':
      if (KEYS.has(key)) return 'deciding';
      return PLAIN.has(key) ? 'plain' : 'settings';
    case 'plain':
    case 'deciding':
      return region;
  }
}
