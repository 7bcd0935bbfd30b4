/** How a service authenticates to the issuer: one of several methods, each with its own options. */

import type { Clock } from '../../clock.ts';
import {
  CERTIFICATE_METHODS,
  withCertificate,
  type CertificateCredentials,
} from './certificate-credentials.ts';
import type { Authenticate, IssuerAccess } from './issuer-access.ts';
import { withKey, type KeyCredentials } from './key-credentials.ts';
import { withSvid, type SvidCredentials } from './svid-credentials.ts';
import { requireNames, requireText, usage } from '../option-checks.ts';

export type CredentialsOptions =
  SecretCredentials | KeyCredentials | SvidCredentials | CertificateCredentials;

export interface SecretCredentials {
  /** The service's name in the graph. */
  readonly clientId: string;
  /** The secret that its `auth` names. */
  readonly secret: string;
  /** Default: `client_secret_basic`. */
  readonly method?: 'client_secret_basic' | 'client_secret_post' | undefined;
}

const SECRET_METHODS: readonly unknown[] = ['client_secret_basic', 'client_secret_post'];

/**
 * @param issuer the audience of assertions.
 * @throws WaybillError `usage`
 */
export function readCredentials(options: CredentialsOptions, issuer: string, clock: Clock): IssuerAccess {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw usage('credentials takes an object');
  const { clientId } = options;
  requireText(clientId, 'credentials.clientId');
  switch (options.method) {
    case 'private_key_jwt':
      return { authenticate: withKey(options, issuer, clock) };
    case 'spiffe_jwt':
      return { authenticate: withSvid(options, issuer) };
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
    case 'spiffe_x509':
      return withCertificate(options, issuer, clock);
    default:
      return { authenticate: withSecret(options) };
  }
}

function withSecret(options: SecretCredentials): Authenticate {
  const { clientId, secret, method = 'client_secret_basic' } = options;
  if (!SECRET_METHODS.includes(method)) {
    const methods = [
      'client_secret_basic, client_secret_post, private_key_jwt, spiffe_jwt',
      ...CERTIFICATE_METHODS,
    ];
    throw usage(`credentials.method must be one of ${methods.join(', ')}`);
  }
  requireNames(options, ['clientId', 'secret', 'method'], 'credentials');
  requireText(secret, 'credentials.secret');
  return method === 'client_secret_post' ? withPost(clientId, secret) : withBasic(clientId, secret);
}

function withPost(clientId: string, secret: string): Authenticate {
  return async (form) => {
    form.set('client_id', clientId);
    form.set('client_secret', secret);
  };
}

/** RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined. */
function withBasic(clientId: string, secret: string): Authenticate {
  const encoded = [clientId, secret]
    .map((part) => new URLSearchParams({ p: part }).toString().slice(2))
    .join(':');
  return async (_form, headers) => {
    headers.set('authorization', `Basic ${Buffer.from(encoded).toString('base64')}`);
  };
}
