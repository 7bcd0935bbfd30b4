/** Who asks: authentication with a shared secret, of clients and of services (RFC 6749 section 2.3.1). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { WaybillError } from '../errors.ts';
import type { AuthPlan, ClientPlan, Plan, ServicePlan } from '../graph/index.ts';

export interface Credentials {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly secret: string;
}

/** Who authenticated: clients ask for trees, services fetch the tokens of their callees. */
export type Party =
  | { readonly kind: 'client'; readonly client: ClientPlan }
  | { readonly kind: 'service'; readonly service: ServicePlan };

export function nameOf(party: Party): string {
  return party.kind === 'client' ? party.client.name : party.service.name;
}

/** Everyone in the graph who authenticates, by name; the graph has one namespace for all. */
export function authenticatingParties(
  plan: Plan,
): ReadonlyMap<string, { readonly name: string; readonly auth: AuthPlan }> {
  const parties = new Map<string, { name: string; auth: AuthPlan }>();
  for (const { name, auth } of plan.clients.values()) parties.set(name, { name, auth });
  for (const { name, auth } of plan.services.values()) if (auth) parties.set(name, { name, auth });
  return parties;
}

/** Only digests are kept: they have one length, so that comparing them tells nothing of a secret's length either. */
export class SecretAuthentication {
  readonly #plan: Plan;
  readonly #parties: ReturnType<typeof authenticatingParties>;
  readonly #digests: ReadonlyMap<string, Buffer>;

  /** @param secrets by name. @throws WaybillError `secret_missing` naming everyone without one. */
  constructor(plan: Plan, secrets: ReadonlyMap<string, string>) {
    this.#parties = authenticatingParties(plan);
    const missing = [...this.#parties.values()].filter(({ name }) => !secrets.get(name));
    if (missing.length > 0) {
      const list = missing.map(({ name, auth: { secret } }) =>
        'env' in secret ? `${name} (environment variable ${secret.env})` : `${name} (file ${secret.file})`,
      );
      throw new WaybillError(
        'secret_missing',
        `These have no secret: ${list.join(', ')}. Set each before the issuer starts.`,
      );
    }
    this.#plan = plan;
    this.#digests = new Map([...secrets].map(([name, secret]) => [name, digest(secret)]));
  }

  /**
   * An unknown name and a wrong secret answer alike, and take alike.
   *
   * @throws WaybillError `invalid_client`
   */
  verify({ method, clientId, secret }: Credentials): Party {
    const party = this.#parties.get(clientId);
    const same = timingSafeEqual(this.#digests.get(clientId) ?? NOBODY, digest(secret));
    if (!party || !same) {
      const detail = party ? `wrong secret for ${party.name}` : 'unknown client';
      throw new WaybillError('invalid_client', 'Unknown client or wrong secret.', { detail });
    }
    if (party.auth.method !== method) {
      throw new WaybillError('invalid_client', `This client authenticates with ${party.auth.method}.`);
    }
    const client = this.#plan.clients.get(clientId);
    if (client) return { kind: 'client', client };
    return { kind: 'service', service: this.#plan.services.get(clientId)! };
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** No secret has this digest. */
const NOBODY = Buffer.alloc(32);
