/** The issuer's keys: their file, their rotation, and what signs with them. */
export type { Signer } from './algorithms.ts';
export { changeKeyFile, isExposed, readKeyFile, requireReplaceable } from './key-file.ts';
export { generateEncryptionKey, publicEncryptionKey, type EncryptionJwk } from './encryption-key.ts';
export { KeyKeeper } from './key-keeper.ts';
export { withLock } from './key-lock.ts';
export {
  PUBLICATION_LEAD,
  RETENTION,
  dropsAt,
  isPublished,
  keyWith,
  readyAt,
  signsSince,
  type KeyRecord,
  type KeyStatus,
} from './key-record.ts';
export { keyRing, type KeyRing } from './key-ring.ts';
export { changesAt, generateKey, isDue, keyChanges, rotate, type KeyChanges } from './rotation.ts';
export {
  isRunning,
  createLockFile,
  readLockFile,
  currentOwner,
  parseLockOwner,
  type LockOwner,
} from './lock-owner.ts';
