/** What the keys of a graph mean to an overlay: which stand for declared names, and which values replace as a whole. */

export interface Level {
  /** Mappings from names to entries. An overlay adds no entry, and `remove` takes one away. */
  readonly named?: Readonly<Record<string, Level>>;
  /** Mappings whose own keys mean what those of an entry mean. */
  readonly settings?: Readonly<Record<string, Level>>;
  /** Keys whose value replaces as a whole: half of the old one must not stay behind. */
  readonly whole?: ReadonlySet<string>;
  /** An entry that is a list counts as a mapping with this key alone. */
  readonly list?: string;
  /** An entry replaces as a whole. */
  readonly isWhole?: true;
  /** An overlay may add entries: they declare nothing. */
  readonly isOpen?: true;
}

const whole: ReadonlySet<string> = new Set(['auth', 'encryption', 'callers', 'through', 'when']);

const ENTRY: Level = { whole };
const CALL: Level = { whole, list: 'scopes' };
const SCOPE: Level = { whole, named: { calls: CALL } };

export const FILE: Level = {
  named: {
    subjects: ENTRY,
    zones: { settings: { defaults: ENTRY } },
    claims: ENTRY,
    conditions: { isWhole: true },
    domains: ENTRY,
    clients: { whole, named: { calls: CALL, claims: { isOpen: true } } },
    services: { whole, named: { calls: CALL, scopes: SCOPE } },
  },
  settings: { defaults: ENTRY },
};

/** Below the keys of an entry all mappings merge key by key. */
export const DATA: Level = {};

/** The declared thing that a key names, by the mapping that it stands in. */
export const KINDS: Readonly<Record<string, string>> = {
  subjects: 'identity provider',
  zones: 'zone',
  claims: 'claim',
  conditions: 'condition',
  domains: 'domain',
  clients: 'client',
  services: 'service',
  scopes: 'scope',
  calls: 'call',
};

/** Keys of a file that an overlay cannot restate. */
export const FIXED: readonly string[] = ['name', 'owners'];

export const REMOVE = 'remove';
