/** Key sets and bundles of parties: at a reload, one that is broken keeps nobody else from new keys. */
import { isDeepStrictEqual } from 'node:util';
import { getOrAdd } from '../../get-or-add.ts';
import { isWaybillError, type WaybillError } from '../../errors.ts';
import { sealedServices, type Plan } from '../../graph/index.ts';
import { authenticatingParties, encryptionKeyFault, keySetFault } from '../../issuer/index.ts';
import type { Steps } from '../../planning/index.ts';
import { readKeySet } from './party-files.ts';

/** What the issuer runs with. */
export interface RunningKeySets {
  readonly plan: Plan;
  /** By the party's name. */
  readonly keySets: ReadonlyMap<string, unknown>;
  /** Keys to which tokens are sealed, by the service's name. */
  readonly encryptionKeys: ReadonlyMap<string, unknown>;
}

/** A file that cannot be used, and whose keys from before are used instead. */
export interface BrokenKeySet {
  readonly file: string;
  readonly parties: string[];
  readonly reason: string;
}

export interface ReadKeySets extends Pick<RunningKeySets, 'keySets' | 'encryptionKeys'> {
  readonly broken: readonly BrokenKeySet[];
}

/** A file of one party, and what it is for. */
interface KeyFile {
  readonly file: string;
  /** What the graph says of it; keys from before are used only where it says the same. */
  readonly declared: object;
  /** The same for files that can only be right or wrong together: a bundle that many name is looked at once. */
  readonly use: string;
  readonly fault: (document: unknown) => WaybillError | undefined;
}

type KeyFiles = ReadonlyMap<string, KeyFile>;

interface Read {
  readonly document?: unknown;
  readonly fault?: WaybillError;
}

/**
 * A party keeps its keys where its file is broken and the graph says the same of it. Of any other one a broken file is of
 * no use: the issuer that is made with it says so. Of a missing file too. A file that many parties share is read once.
 *
 * @param running undefined at the start: no party has keys to keep.
 * @throws WaybillError `keys_invalid` for a file that is not JSON in UTF-8, of a party that has no keys to keep.
 */
export function* readKeySets(plan: Plan, running: RunningKeySets | undefined): Steps<ReadKeySets> {
  const reading = new Reading();
  const before = running?.plan;
  return {
    keySets: yield* reading.read(filesOfAuth(plan), before && filesOfAuth(before), running?.keySets),
    encryptionKeys: yield* reading.read(
      filesOfEncryption(plan),
      before && filesOfEncryption(before),
      running?.encryptionKeys,
    ),
    broken: reading.broken,
  };
}

class Reading {
  readonly #files = new Map<string, Read>();
  /** By file and what it is for. */
  readonly #faults = new Map<string, WaybillError | undefined>();
  readonly #broken = new Map<string, BrokenKeySet>();

  get broken(): readonly BrokenKeySet[] {
    return [...this.#broken.values()];
  }

  *read(
    now: KeyFiles,
    before: KeyFiles | undefined,
    running: ReadonlyMap<string, unknown> | undefined,
  ): Steps<Map<string, unknown>> {
    const documents = new Map<string, unknown>();
    for (const [name, keyFile] of now) {
      const { file, declared, use } = keyFile;
      const read = getOrAdd(this.#files, file, () => attempt(name, file));
      const kept = isDeepStrictEqual(before?.get(name)?.declared, declared) ? running?.get(name) : undefined;
      if (kept !== undefined && !this.#faults.has(use)) {
        const isSame = isDeepStrictEqual(read.document, kept);
        this.#faults.set(use, read.fault ?? (isSame ? undefined : keyFile.fault(read.document)));
      }
      const fault = kept === undefined ? undefined : this.#faults.get(use);
      if (kept === undefined && read.fault) throw read.fault;
      documents.set(name, fault ? kept : read.document);
      if (fault)
        getOrAdd(this.#broken, use, () => ({ file, parties: [], reason: fault.message })).parties.push(name);
      yield;
    }
    return documents;
  }
}

function filesOfAuth(plan: Plan): KeyFiles {
  const files = new Map<string, KeyFile>();
  for (const party of authenticatingParties(plan).values()) {
    const { name, auth } = party;
    if (!('keys' in auth) || !('file' in auth.keys)) continue;
    const { file } = auth.keys;
    const fault = (document: unknown) => keySetFault(party, document);
    files.set(name, { file, declared: auth, use: `${auth.method} ${file}`, fault });
  }
  return files;
}

function filesOfEncryption(plan: Plan): KeyFiles {
  const files = new Map<string, KeyFile>();
  for (const { name, encryption } of sealedServices(plan)) {
    if (!encryption || !('file' in encryption.keys)) continue;
    const { file } = encryption.keys;
    const fault = (document: unknown) => encryptionKeyFault(name, encryption, document);
    files.set(name, { file, declared: encryption, use: `encryption ${file}`, fault });
  }
  return files;
}

function attempt(name: string, file: string): Read {
  try {
    return { document: readKeySet(name, file) };
  } catch (error) {
    if (isWaybillError(error)) return { fault: error };
    throw error;
  }
}
