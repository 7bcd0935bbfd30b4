/** Who asks: every way in which clients and services authenticate, behind one question. */
import { WaybillError } from '../errors.ts';
import type { Plan } from '../graph/index.ts';
import { AssertionAuthentication, type AssertionCredentials } from './client-assertion.ts';
import { CertificateAuthentication, type CertificateCredentials } from './client-certificate.ts';
import { JwtSvidAuthentication, type SvidCredentials } from './jwt-svid.ts';
import { SecretAuthentication, type SecretCredentials } from './client-secret.ts';
import type { AuthenticationOptions, Party } from './parties.ts';

/** What a request shows of who sent it. */
export type Credentials = SecretCredentials | AssertionCredentials | SvidCredentials | CertificateCredentials;

export class Authentication {
  readonly #plan: Plan;
  readonly #secrets: SecretAuthentication;
  readonly #assertions: AssertionAuthentication;
  readonly #svids: JwtSvidAuthentication;
  readonly #certificates: CertificateAuthentication;

  /** @throws WaybillError `secret_missing`, `keys_missing`, `keys_invalid` */
  constructor(options: AuthenticationOptions) {
    this.#plan = options.plan;
    this.#secrets = new SecretAuthentication(options.plan, options.secrets);
    this.#assertions = new AssertionAuthentication(options);
    this.#svids = new JwtSvidAuthentication(options);
    this.#certificates = new CertificateAuthentication(options);
  }

  /** @throws WaybillError `invalid_client`; `provider_unavailable`, `store_unavailable` */
  async verify(credentials: Credentials): Promise<Party> {
    return this.#partyOf(await this.#nameOf(credentials));
  }

  async #nameOf(credentials: Credentials): Promise<string> {
    switch (credentials.method) {
      case 'private_key_jwt':
        return this.#assertions.verify(credentials);
      case 'spiffe_jwt':
        return this.#svids.verify(credentials);
      case 'tls':
        return this.#certificates.verify(credentials);
      case 'client_secret_basic':
      case 'client_secret_post':
        return this.#secrets.verify(credentials);
    }
  }

  #partyOf(name: string): Party {
    const client = this.#plan.clients.get(name);
    if (client) return { kind: 'client', client };
    const service = this.#plan.services.get(name);
    if (service) return { kind: 'service', service };
    throw new WaybillError('invalid_client', 'Unknown client.');
  }
}
