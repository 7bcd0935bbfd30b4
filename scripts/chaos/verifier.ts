/** Verifies issued trees, with every token inside, using only the published keys. */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';

type Keys = ReturnType<typeof createLocalJWKSet>;

interface Expected {
  readonly issuer: string;
  readonly client: string;
  readonly scope: string;
  /** Seconds by which the issuer's clock is ahead of this one. */
  readonly ahead: number;
}

export class Verifier {
  readonly #fetchKeys: () => Promise<JSONWebKeySet>;
  #keys: Keys | undefined;

  constructor(fetchKeys: () => Promise<JSONWebKeySet>) {
    this.#fetchKeys = fetchKeys;
  }

  /** @returns what is wrong with a tree, or undefined. @throws the error of fetching the keys. */
  async findFault(root: string, { issuer, client, scope, ahead }: Expected): Promise<string | undefined> {
    try {
      const currentDate = new Date(Date.now() + ahead * 1000);
      const payload = await this.#verify(root, { issuer, currentDate });
      if (payload['scope'] !== scope) return `the scope ${String(payload['scope'])} instead of ${scope}`;
      if (payload['client_id'] !== client) return `a token of ${String(payload['client_id'])}`;
      return await this.#findFaultBelow(payload, { issuer, currentDate });
    } catch (error) {
      if (error instanceof errors.JOSEError) return `a token that does not verify: ${error.code}`;
      throw error;
    }
  }

  async #findFaultBelow(
    parent: JWTPayload,
    options: { readonly issuer: string; readonly currentDate: Date },
  ): Promise<string | undefined> {
    for (const child of Object.values((parent['embedded'] ?? {}) as Record<string, string>)) {
      const payload = await this.#verify(child, options);
      if (payload['txn'] !== parent['txn']) return 'a child of another transaction';
      const fault = await this.#findFaultBelow(payload, options);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  async #verify(
    token: string,
    options: { readonly issuer: string; readonly currentDate: Date },
  ): Promise<JWTPayload> {
    this.#keys ??= createLocalJWKSet(await this.#fetchKeys());
    // Both clocks are of one machine; the tolerance is only for rounding.
    const { payload } = await jwtVerify(token, this.#keys, { ...options, clockTolerance: 2 });
    return payload;
  }
}
