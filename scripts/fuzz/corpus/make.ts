/**
 * Writes `corpus.json`: certificates and DPoP proofs, whose keys and signatures would differ in every run. They are stored,
 * so that the same seed gives the same inputs. Their private keys are not stored.
 *
 *     npx tsx scripts/fuzz/corpus/make.ts
 */
import { writeFileSync } from 'node:fs';

import { proofSigner } from '../../../test/support/keys/dpop.ts';
import { selfSigned, testCa } from '../../../test/support/keys/certificates.ts';

const TOKEN_ENDPOINT = 'https://tokens.fuzz.example/token';
const NOW = 1_800_000_000;

const root = testCa('fuzz authority');
const intermediate = root.authority({ commonName: 'fuzz intermediate' });
const certificates = {
  till: intermediate.issue({ commonName: 'till', uris: ['spiffe://fuzz.example/till'] }),
  own: selfSigned({ commonName: 'own' }),
  other: root.issue({ commonName: 'other, "quoted"', dns: ['*.fuzz.example'] }),
};
const proofs = await Promise.all(
  ['ES256', 'RS256', 'PS256'].map(async (alg) => {
    const signer = await proofSigner(alg);
    return signer.proof({ method: 'POST', url: TOKEN_ENDPOINT, now: NOW }, { jti: `a proof by ${alg}` });
  }),
);
const written = {
  certificates: Object.fromEntries(Object.entries(certificates).map(([name, { chain }]) => [name, chain])),
  authority: root.cert,
  proofs,
};
writeFileSync(new URL('corpus.json', import.meta.url), `${JSON.stringify(written, null, 2)}\n`);
