/** Authenticates clients and services by any method of the graph. */
import { WaybillError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import type { Steps } from '../../planning/index.ts';
import { AssertionAuthentication, type AssertionCredentials } from './client-assertion.ts';
import { CertificateAuthentication, type CertificateCredentials } from './client-certificate.ts';
import { JwtSvidAuthentication, type SvidCredentials } from './jwt-svid.ts';
import { SecretAuthentication, type SecretCredentials } from './client-secret.ts';
import type { AuthenticationOptions, Party } from './parties.ts';

/** The credentials of a request. */
export type Credentials = SecretCredentials | AssertionCredentials | SvidCredentials | CertificateCredentials;

interface Methods {
  readonly secrets: SecretAuthentication;
  readonly assertions: AssertionAuthentication;
  readonly svids: JwtSvidAuthentication;
  readonly certificates: CertificateAuthentication;
}

export class Authentication {
  readonly #plan: Plan;
  readonly #methods: Methods;

  private constructor(plan: Plan, methods: Methods) {
    this.#plan = plan;
    this.#methods = methods;
  }

  /** @throws WaybillError `secret_missing`, `keys_missing`, `keys_invalid` */
  static *prepare(options: AuthenticationOptions): Steps<Authentication> {
    return new Authentication(options.plan, {
      secrets: yield* SecretAuthentication.prepare(options.plan, options.secrets),
      assertions: yield* AssertionAuthentication.prepare(options),
      svids: yield* JwtSvidAuthentication.prepare(options),
      certificates: yield* CertificateAuthentication.prepare(options),
    });
  }

  /** @throws WaybillError `invalid_client`; `provider_unavailable`, `store_unavailable` */
  async verify(credentials: Credentials): Promise<Party> {
    return this.#partyOf(await this.#nameOf(credentials));
  }

  async #nameOf(credentials: Credentials): Promise<string> {
    switch (credentials.method) {
      case 'private_key_jwt':
        return this.#methods.assertions.verify(credentials);
      case 'spiffe_jwt':
        return this.#methods.svids.verify(credentials);
      case 'tls':
        return this.#methods.certificates.verify(credentials);
      case 'client_secret_basic':
      case 'client_secret_post':
        return this.#methods.secrets.verify(credentials);
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
