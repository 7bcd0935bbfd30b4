/** Who asks: client authentication with a shared secret (RFC 6749 section 2.3.1). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { WaybillError } from '../errors.ts';
import type { ClientPlan, Plan } from '../graph/index.ts';

export interface Credentials {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly secret: string;
}

/** Only digests are kept: they have one length, so that comparing them tells nothing of a secret's length either. */
export class SecretAuthentication {
  readonly #plan: Plan;
  readonly #digests: ReadonlyMap<string, Buffer>;

  /** @param secrets by the client's name. @throws WaybillError `secret_missing` naming every client without one. */
  constructor(plan: Plan, secrets: ReadonlyMap<string, string>) {
    const missing = [...plan.clients.values()].filter(({ name }) => !secrets.get(name));
    if (missing.length > 0) {
      const list = missing.map(({ name, auth: { secret } }) =>
        'env' in secret ? `${name} (environment variable ${secret.env})` : `${name} (file ${secret.file})`,
      );
      throw new WaybillError(
        'secret_missing',
        `These clients have no secret: ${list.join(', ')}. Set each before the issuer starts.`,
      );
    }
    this.#plan = plan;
    this.#digests = new Map([...secrets].map(([name, secret]) => [name, digest(secret)]));
  }

  /**
   * An unknown client and a wrong secret answer alike, and take alike.
   *
   * @throws WaybillError `invalid_client`
   */
  verify({ method, clientId, secret }: Credentials): ClientPlan {
    const client = this.#plan.clients.get(clientId);
    const given = digest(secret);
    const same = timingSafeEqual(this.#digests.get(clientId) ?? NOBODY, given);
    if (!client || !same) {
      throw new WaybillError('invalid_client', 'Unknown client or wrong secret.', {
        detail: client ? `wrong secret for ${client.name}` : 'unknown client',
      });
    }
    if (client.auth.method !== method) {
      throw new WaybillError('invalid_client', `This client authenticates with ${client.auth.method}.`);
    }
    return client;
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** No secret has this digest. */
const NOBODY = Buffer.alloc(32);
