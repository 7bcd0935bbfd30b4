/** The issuer's keys: their file, their rotation, and what signs with them. */
export type { Signer } from './algorithms.ts';
export {
  generateKey,
  isExposed,
  readKeyFile,
  rotate,
  writeKeyFile,
  type KeyRecord,
  type KeyStatus,
} from './key-file.ts';
export { keyRing, type KeyRing } from './key-ring.ts';
