/**
 * The signature algorithms that Waybill signs with and accepts: an allow-list, as RFC 8725 section 3.1 asks.
 *
 * `Ed25519` is the fully specified name of RFC 9864; the older polymorphic `EdDSA` is not accepted, because one
 * name for two curves is what that document does away with.
 */
export const SIGNING_ALGORITHMS = ['ES256', 'Ed25519', 'PS256', 'RS256'] as const;

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

export function isSigningAlgorithm(name: unknown): name is SigningAlgorithm {
  return (SIGNING_ALGORITHMS as readonly unknown[]).includes(name);
}
