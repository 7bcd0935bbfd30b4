/**
 * The issuer's key file: a JWK Set (RFC 7517 section 5) of private keys, each with members of our own: `status`, and
 * the times `created`, `activated` and `retired`. It is made with mode 0600 and replaced as a whole, its owner kept, so
 * that nobody reads half a file. A lock keeps processes from undoing each other's changes.
 */
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { attempt } from '../../input/attempt.ts';
import { isoTime } from '../../clock.ts';
import { WaybillError, isWaybillError } from '../../errors.ts';
import { readInputFile } from '../../input/input-file.ts';
import { InputFault, parseJsonInput } from '../../input/json-input.ts';
import { withLock } from './key-lock.ts';
import type { KeyRecord } from './key-record.ts';
import { KeyRefused, readRecords } from './read-record.ts';

const MAX_BYTES = 1 << 20;
/** More than any rotation needs. */
export const MAX_KEYS = 64;

/**
 * Reads the key file that `waybill keys` and `waybill serve` write.
 *
 * @returns undefined if there is no such file.
 * @throws WaybillError `keys_invalid`
 *
 * @example
 * ```ts
 * import { readKeyFile } from 'waybill';
 *
 * for (const { kid, alg, status } of readKeyFile('waybill-keys.json') ?? []) console.log(kid, alg, status);
 * ```
 */
export function readKeyFile(path: string): readonly KeyRecord[] | undefined {
  const bytes = readBounded(path);
  if (bytes === undefined) return undefined;
  let keys: unknown;
  try {
    keys = (parseJsonInput(bytes) as { keys?: unknown } | null)?.keys;
  } catch (error) {
    throw error instanceof InputFault ? invalid(path, error.message) : error;
  }
  if (!Array.isArray(keys)) throw invalid(path, 'it is not a JWK Set: it has no list `keys`');
  if (keys.length > MAX_KEYS)
    throw invalid(path, `it has ${keys.length} keys; at most ${MAX_KEYS} are allowed`);
  try {
    return readRecords(keys);
  } catch (error) {
    throw error instanceof KeyRefused ? invalid(path, error.message) : error;
  }
}

/** Whether others than the owner can read the file. */
export function isExposed(path: string): boolean {
  return (statSync(path).mode & 0o077) !== 0;
}

/** Checks in advance that the file can be replaced. @throws WaybillError `keys_invalid` */
export function requireReplaceable(path: string): void {
  try {
    accessSync(dirname(targetOf(path)), constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Reads the file and replaces it, under the lock.
 *
 * @param change gets the keys, undefined if there is no file, and returns the new keys; the same list changes nothing.
 * @returns the keys of the file afterwards.
 * @throws WaybillError `keys_invalid`, and what `change` throws.
 */
export async function changeKeyFile(
  path: string,
  change: (found: readonly KeyRecord[] | undefined) => Promise<readonly KeyRecord[]>,
): Promise<readonly KeyRecord[]> {
  const target = targetOf(path);
  try {
    return await withLock(target, async (isHeld) => {
      const found = readKeyFile(path);
      const changed = await change(found);
      if (changed !== found) replace(target, changed, isHeld);
      return changed;
    });
  } catch (error) {
    throw isSystemError(error) ? unwritable(path, error) : error;
  }
}

function replace(target: string, records: readonly KeyRecord[], isAllowed: () => boolean): void {
  const draft = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    writeDraft(draft, `${JSON.stringify({ keys: records.map(written) }, null, 2)}\n`, ownerOf(target));
    if (!isAllowed()) throw overtaken(target);
    renameSync(draft, target);
  } catch (error) {
    try {
      unlinkSync(draft);
    } catch {
      // The draft was never created.
    }
    throw error;
  }
}

/** Synced to disk before the rename: after a crash the file has the old keys or the new ones. */
function writeDraft(draft: string, text: string, owner: Owner | undefined): void {
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    // After a rotation by root, the issuer must still be able to read the file.
    if (owner && owner.uid !== fstatSync(descriptor).uid) fchownSync(descriptor, owner.uid, owner.gid);
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

type Owner = Pick<Stats, 'uid' | 'gid'>;

function ownerOf(target: string): Owner | undefined {
  return statSync(target, { throwIfNoEntry: false });
}

function written({ jwk, kid, alg, status, created, activated, retired }: KeyRecord): object {
  return {
    ...jwk,
    kid,
    alg,
    use: 'sig',
    status,
    created: isoTime(created),
    ...(activated === undefined ? {} : { activated: isoTime(activated) }),
    ...(retired === undefined ? {} : { retired: isoTime(retired) }),
  };
}

/** A symbolic link stays one: its target is replaced and locked. */
function targetOf(path: string): string {
  return attempt(() => realpathSync(path)) ?? path;
}

function readBounded(path: string): Uint8Array | undefined {
  try {
    return readInputFile(path, MAX_BYTES);
  } catch (error) {
    if (error instanceof InputFault) throw invalid(path, error.message);
    if (codeOf(error) === 'ENOENT') return undefined;
    throw invalid(path, `it cannot be read (${codeOf(error)})`);
  }
}

function invalid(path: string, what: string): WaybillError {
  return new WaybillError(
    'keys_invalid',
    `The key file ${path} cannot be used: ${what}. Repair it, or move it away and a new one is created.`,
  );
}

function overtaken(path: string): WaybillError {
  return new WaybillError(
    'keys_invalid',
    `Another process changed the key file ${path} meanwhile; nothing was written.`,
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown reason';
}

function unwritable(path: string, error: unknown): WaybillError {
  return new WaybillError('keys_invalid', `The key file ${path} cannot be written (${codeOf(error)}).`, {
    cause: error,
  });
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && !isWaybillError(error) && 'syscall' in error;
}
