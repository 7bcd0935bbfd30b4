/** Authenticates clients and services by any method of the graph. */
import { WaybillError } from '../../errors.ts';
import type { Steps } from '../../planning/index.ts';
import { assertionAuthentication, type ReceivedAssertion } from './client-assertion.ts';
import { certificateAuthentication, type ReceivedCertificate } from './client-certificate.ts';
import { svidAuthentication, type ReceivedSvid } from './jwt-svid.ts';
import { secretAuthentication, type ReceivedSecret } from './client-secret.ts';
import type { AuthenticationOptions, Party, Verify } from './parties.ts';

/** The credentials of a request. */
export type ReceivedCredentials = ReceivedSecret | ReceivedAssertion | ReceivedSvid | ReceivedCertificate;

/** @throws WaybillError `invalid_client`; `provider_unavailable`, `store_unavailable` */
export type Authenticate = (credentials: ReceivedCredentials) => Promise<Party>;

/** @throws WaybillError `secret_missing`, `keys_missing`, `keys_invalid` */
export function* prepareAuthentication(options: AuthenticationOptions): Steps<Authenticate> {
  const { clients, services } = options.plan;
  const verifySecret = yield* secretAuthentication(options);
  const verifyAssertion = yield* assertionAuthentication(options);
  const verifySvid = yield* svidAuthentication(options);
  const verifyCertificate = yield* certificateAuthentication(options);
  const nameOf: Verify<ReceivedCredentials> = (credentials) => {
    switch (credentials.method) {
      case 'private_key_jwt':
        return verifyAssertion(credentials);
      case 'spiffe_jwt':
        return verifySvid(credentials);
      case 'tls':
        return verifyCertificate(credentials);
      case 'client_secret_basic':
      case 'client_secret_post':
        return verifySecret(credentials);
    }
  };
  return async (credentials) => {
    const name = await nameOf(credentials);
    const client = clients.get(name);
    if (client) return { kind: 'client', client };
    const service = services.get(name);
    if (service) return { kind: 'service', service };
    throw new WaybillError('invalid_client', 'Unknown client.');
  };
}
