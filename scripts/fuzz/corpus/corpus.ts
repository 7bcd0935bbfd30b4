/** Certificates and proofs that `make.ts` made. */
import { readFileSync } from 'node:fs';

export interface FuzzCertificate {
  /** PEM of the certificate alone. */
  readonly pem: string;
  /** PEM of the certificate and of those above it. */
  readonly chain: string;
  /** Its DER in base64. */
  readonly base64: string;
}

interface Written {
  readonly certificates: Readonly<Record<'till' | 'own' | 'other', string>>;
  readonly authority: string;
  readonly proofs: readonly string[];
}

const { certificates, authority, proofs } = JSON.parse(
  readFileSync(new URL('corpus.json', import.meta.url), 'utf8'),
) as Written;

const END = '-----END CERTIFICATE-----';

function certificate(chain: string): FuzzCertificate {
  const pem = `${chain.slice(0, chain.indexOf(END))}${END}\n`;
  return { pem, chain, base64: pem.replace(/-----[^-]+-----|\s/g, '') };
}

export const corpus = {
  certificates: {
    till: certificate(certificates.till),
    own: certificate(certificates.own),
    other: certificate(certificates.other),
  },
  /** The certificate of an authority: its DER in base64. */
  authority: certificate(authority).base64,
  /** DPoP proofs for the token endpoint, by ES256, RS256 and PS256. */
  proofs,
};
