/**
 * DPoP at the edge of a service: a bound token with a proof. Proofs are prepared, and each is accepted once; a repeated
 * one was evicted meanwhile, because there are more than the cache keeps.
 */
import { createHash } from 'node:crypto';
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { pick } from '../mixes.ts';
import { INPUTS, NOW, delivered } from '../shop.ts';
import type { Workload } from '../workload.ts';
import { extractorOf } from './extractor.ts';

const PATH = '/orders';

export const proving: Workload = {
  name: 'dpop',
  async open(shop, mix) {
    const { issuer, entry, client } = shop;
    const prove = await prover();
    const tokens: string[] = [];
    while (tokens.length < INPUTS) {
      const cnf = { jkt: prove.jkt };
      tokens.push((await issuer.issue(client('app'), { scopes: ['buy'], cnf })).token);
    }
    const requests: { readonly line: Buffer; readonly proof: Buffer }[] = [];
    while (requests.length < INPUTS) {
      const n = requests.length;
      const token = tokens[pick(mix, n, INPUTS)]!;
      const claims = { jti: `proof ${n}`, htm: 'POST', htu: entry.audience + PATH, iat: NOW };
      const proof = Buffer.from(await prove.proof({ ...claims, ath: sha256(token) }));
      requests.push({ line: Buffer.from(`DPoP ${token}`), proof });
    }
    const service = extractorOf(shop);
    return {
      async next(n) {
        const { line, proof } = requests[n % INPUTS]!;
        const [authorization, dpop] = [[delivered(line)], [delivered(proof)]];
        await service.authenticate({ authorization, dpop, method: 'POST', url: PATH });
      },
    };
  },
};

interface Prover {
  readonly jkt: string;
  readonly proof: (claims: object) => Promise<string>;
}

async function prover(): Promise<Prover> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return {
    jkt: await calculateJwkThumbprint(jwk),
    proof: (claims) =>
      new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .sign(privateKey),
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
