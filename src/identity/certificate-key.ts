/** Whether the key of a certificate is its owner's alone, and can be checked with at a bounded cost. */
import type { X509Certificate } from 'node:crypto';

import { keyObjectWeakness } from '../input/key-weakness.ts';

/** A connection shows its certificate with every request; the key is read once. */
const judged = new WeakMap<X509Certificate, boolean>();

export function hasAcceptableKey(certificate: X509Certificate): boolean {
  let acceptable = judged.get(certificate);
  if (acceptable === undefined) {
    acceptable = isAcceptable(certificate);
    judged.set(certificate, acceptable);
  }
  return acceptable;
}

function isAcceptable(certificate: X509Certificate): boolean {
  try {
    return keyObjectWeakness(certificate.publicKey) === undefined;
  } catch {
    return false; // of a kind, or on a curve, that OpenSSL does not know, or a point beside it
  }
}
