/** Whether only the owner of a certificate can use its key, and checking with the key has a bounded cost. */
import type { X509Certificate } from 'node:crypto';

import { attempt } from '../input/attempt.ts';
import { getOrAdd } from '../get-or-add.ts';
import { keyObjectWeakness } from '../input/key-weakness.ts';

/** A connection presents its certificate with every request; the key is read once. */
const judged = new WeakMap<X509Certificate, boolean>();

export function hasAcceptableKey(certificate: X509Certificate): boolean {
  return getOrAdd(
    judged,
    certificate,
    // An unknown kind or curve throws, and so does a point that is not on its curve.
    () => attempt(() => keyObjectWeakness(certificate.publicKey) === undefined) === true,
  );
}
