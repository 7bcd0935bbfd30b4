/** The identity providers of a graph: they sign users' tokens, and publish their keys to the issuer under test. */
import { getOrAdd } from '../get-or-add.ts';
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';

import type { Clock } from '../clock.ts';
import { type WaybillError, usageError } from '../errors.ts';
import type { ClientPlan, Plan, SubjectPlan } from '../graph/index.ts';
import type { SubjectToken } from '../issuer/index.ts';

/** Seconds: longer than any tree lives, since no tree outlives the user's token. */
const LIFETIME = 7 * 24 * 60 * 60;
const KID = 'provider';

export class TestProviders {
  readonly #plan: Plan;
  readonly #keys = new Map<string, Promise<{ readonly jwk: JWK; readonly privateKey: CryptoKey }>>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /**
   * The token with which a client asks for a user.
   *
   * @param user the `sub` of the tree, with or without the prefix of the provider.
   * @param claims of the tree, by name.
   * @throws WaybillError `usage`
   */
  async tokenFor(
    client: ClientPlan,
    user: string,
    claims: Readonly<Record<string, unknown>>,
    clock: Clock,
  ): Promise<SubjectToken> {
    const [provider] = client.subjects;
    if (!provider) throw notForUsers(client);
    const { prefix, issuer, audience, authorizedParties } = provider;
    const sub = user.startsWith(prefix) ? user.slice(prefix.length) : user;
    const type = provider.tokenTypes.includes('id_token') ? 'id_token' : 'access_token';
    const party = authorizedParties[0] ?? audience;
    const payload = { ...(type === 'id_token' ? { azp: party } : { client_id: party }) };
    for (const [name, value] of Object.entries(claims)) this.#place(payload, name, value);
    const { privateKey } = await this.#keyOf(provider);
    const token = await new SignJWT(payload)
      .setProtectedHeader({
        alg: algorithmOf(provider),
        kid: KID,
        typ: type === 'id_token' ? 'JWT' : 'at+jwt',
      })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(sub)
      .setIssuedAt(clock())
      .setExpirationTime(clock() + LIFETIME)
      .sign(privateKey);
    return { token, type };
  }

  /** What a provider publishes at an address; undefined for an address of nobody here. */
  async document(address: string): Promise<unknown> {
    for (const provider of this.#plan.subjects.values()) {
      const base = provider.issuer.replace(/\/$/, '');
      const keys = provider.jwksUri ?? `${base}/jwks`;
      if (address === keys) return { keys: [(await this.#keyOf(provider)).jwk] };
      if (address === `${base}/.well-known/openid-configuration`)
        return { issuer: provider.issuer, jwks_uri: keys };
    }
    return undefined;
  }

  /** Puts a claim where the graph reads it. */
  #place(payload: Record<string, unknown>, name: string, value: unknown): void {
    const claim = this.#plan.claims.get(name);
    if (claim && !('path' in claim.source && claim.source.from === 'subject')) {
      const owner = 'from' in claim.source ? `the ${claim.source.from}` : 'the graph';
      throw usageError(`The claim ${name} is not the user's: ${owner} sets its value.`);
    }
    payload[claim && 'path' in claim.source ? claim.source.path : name] = value;
  }

  #keyOf(provider: SubjectPlan): Promise<{ readonly jwk: JWK; readonly privateKey: CryptoKey }> {
    return getOrAdd(this.#keys, provider.name, () => makeKey(algorithmOf(provider)));
  }
}

function notForUsers({ name }: ClientPlan): WaybillError {
  return usageError(
    `${name} asks for itself alone: it has no \`subjects\` in the graph. Leave out \`sub\` and \`claims\`.`,
  );
}

function algorithmOf({ algorithms }: SubjectPlan): string {
  return algorithms[0] ?? 'ES256';
}

async function makeKey(alg: string): Promise<{ jwk: JWK; privateKey: CryptoKey }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { jwk: { ...(await exportJWK(publicKey)), kid: KID, alg, use: 'sig' }, privateKey };
}
