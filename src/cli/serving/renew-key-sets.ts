/** Key sets and bundles of parties at a reload: one that is broken keeps nobody else from new keys. */
import { isDeepStrictEqual } from 'node:util';
import { getOrAdd } from '../../get-or-add.ts';
import { isWaybillError, type WaybillError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import { authenticatingParties, keySetFault } from '../../issuer/index.ts';
import type { Steps } from '../../planning/index.ts';
import { readKeySet } from './party-files.ts';

/** What the issuer runs with. */
export interface RunningKeySets {
  readonly plan: Plan;
  /** By the party's name. */
  readonly keySets: ReadonlyMap<string, unknown>;
}

/** A file that cannot be used, and whose keys from before are used instead. */
export interface BrokenKeySet {
  readonly file: string;
  readonly parties: string[];
  readonly reason: string;
}

export interface RenewedKeySets {
  readonly keySets: ReadonlyMap<string, unknown>;
  readonly broken: readonly BrokenKeySet[];
}

interface Read {
  readonly document?: unknown;
  readonly fault?: WaybillError;
}

/**
 * A party keeps its keys where its file is broken and the graph says the same of how it authenticates. Of any other one a
 * broken file is of no use: the issuer that is made with it says so.
 *
 * @throws WaybillError `keys_invalid` for a file that is not JSON in UTF-8, of a party that has no keys to keep.
 */
export function* renewKeySets(plan: Plan, running: RunningKeySets): Steps<RenewedKeySets> {
  const before = authenticatingParties(running.plan);
  const files = new Map<string, Read>();
  /** By file and what it is for: a bundle that many name is looked at once. */
  const faults = new Map<string, WaybillError | undefined>();
  const keySets = new Map<string, unknown>();
  const broken = new Map<string, BrokenKeySet>();
  for (const party of authenticatingParties(plan).values()) {
    const { name, auth } = party;
    if (!('keys' in auth) || !('file' in auth.keys)) continue;
    const { file } = auth.keys;
    const read = getOrAdd(files, file, () => attempt(name, file));
    const kept = isDeepStrictEqual(before.get(name)?.auth, auth) ? running.keySets.get(name) : undefined;
    const use = `${auth.method} ${file}`;
    if (kept !== undefined && !faults.has(use)) {
      const isSame = isDeepStrictEqual(read.document, kept);
      faults.set(use, read.fault ?? (isSame ? undefined : keySetFault(party, read.document)));
    }
    const fault = kept === undefined ? undefined : faults.get(use);
    if (kept === undefined && read.fault) throw read.fault;
    keySets.set(name, fault ? kept : read.document);
    if (fault) getOrAdd(broken, use, () => ({ file, parties: [], reason: fault.message })).parties.push(name);
    yield;
  }
  return { keySets, broken: [...broken.values()] };
}

function attempt(name: string, file: string): Read {
  try {
    return { document: readKeySet(name, file) };
  } catch (error) {
    if (isWaybillError(error)) return { fault: error };
    throw error;
  }
}
