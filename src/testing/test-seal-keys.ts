/** Key pairs of the services of a test to which tokens are sealed, in place of those that the graph names. */
import { exportJWK, generateKeyPair } from 'jose';

import type { EncryptionPlan, Plan, ServicePlan } from '../graph/index.ts';
import { isSealed, sealOpener, type DecryptionKeys } from '../token/index.ts';

const ALG = 'ECDH-ES';
const CRV = 'X25519';
const KID = 'test';

interface Pair {
  readonly published: object;
  readonly decryption: DecryptionKeys;
}

export class TestSealKeys {
  readonly #pairs: ReadonlyMap<string, Pair>;
  readonly #byAddress: ReadonlyMap<string, object>;

  private constructor(pairs: ReadonlyMap<string, Pair>, byAddress: ReadonlyMap<string, object>) {
    this.#pairs = pairs;
    this.#byAddress = byAddress;
  }

  static async of({ services }: Plan): Promise<TestSealKeys> {
    const pairs = new Map<string, Pair>();
    const byAddress = new Map<string, object>();
    for (const { name, encryption } of services.values()) {
      if (!encryption) continue;
      const pair = await pairFor(encryption);
      pairs.set(name, pair);
      if ('uri' in encryption.keys) byAddress.set(encryption.keys.uri, pair.published);
    }
    return new TestSealKeys(pairs, byAddress);
  }

  /** Public keys by the name of the service. */
  get published(): ReadonlyMap<string, unknown> {
    return new Map(Array.from(this.#pairs, ([name, { published }]) => [name, published]));
  }

  /** The key set at an address that the graph names. */
  document(address: string): unknown {
    return this.#byAddress.get(address);
  }

  /** @returns undefined for a service to which nothing can be sealed. */
  decryptionFor(service: string): DecryptionKeys | undefined {
    return this.#pairs.get(service)?.decryption;
  }

  /** The token as its service gets it out of its seal, where it is sealed. */
  async open(token: string, { name, audience }: ServicePlan): Promise<string> {
    const keys = this.decryptionFor(name);
    if (!keys || !isSealed(token)) return token;
    return (await sealOpener(keys, [audience], Number.MAX_SAFE_INTEGER)(token)).nested;
  }
}

async function pairFor({ alg = ALG }: EncryptionPlan): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(ALG, { crv: CRV, extractable: true });
  const common = { use: 'enc', kid: KID, alg };
  return {
    published: { keys: [{ ...(await exportJWK(publicKey)), ...common }] },
    decryption: { keys: [{ ...(await exportJWK(privateKey)), ...common }] },
  };
}
