/** Reads the credentials of a request, which must authenticate with one method only (RFC 6749 section 2.3). */
import type { IncomingMessage } from 'node:http';
import { attempt } from '../../input/attempt.ts';
import { WaybillError } from '../../errors.ts';
import type { PresentedCertificate } from '../../identity/index.ts';
import type { ReceivedCredentials } from '../index.ts';
import { HttpError } from './responses.ts';
import { single, type Form } from './form.ts';
import { headerValues } from '../../input/header-lines.ts';

/** RFC 7523 section 2.2; draft-ietf-oauth-spiffe-client-auth section 3.1. */
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
/** Characters: a SPIFFE ID, the longest name of a client, has no more (SPIFFE-ID section 2.3). */
const MAX_CLIENT_ID = 2_048;
/** Characters: more than any secret has, and too few to keep the issuer busy with a digest. */
const MAX_SECRET = 16 * 1024;

/** @param certificate of the connection or from the proxy. It counts if the request has no other credentials. */
export function credentialsOf(
  request: IncomingMessage,
  form: Form,
  certificate?: PresentedCertificate,
): ReceivedCredentials {
  const authorizations = headerValues(request.rawHeaders, 'authorization');
  if (authorizations.length > 1)
    throw new HttpError(400, 'The request has more than one Authorization header.');
  const [authorization] = authorizations;
  const secret = single(form, 'client_secret');
  const clientId = single(form, 'client_id');
  if ((clientId?.length ?? 0) > MAX_CLIENT_ID || (secret?.length ?? 0) > MAX_SECRET) {
    throw new WaybillError('invalid_client', 'The client_id or the client_secret is too long.');
  }
  const assertion = assertionOf(form, clientId);
  if ([authorization, secret, assertion].filter((method) => method !== undefined).length > 1) {
    throw new HttpError(
      400,
      'The request authenticates with more than one method; use one (RFC 6749 section 2.3).',
    );
  }
  if (assertion !== undefined) return assertion;
  // RFC 8705 section 2: the client_id says whose certificate is expected.
  if (authorization === undefined && secret === undefined && certificate && clientId !== undefined) {
    return { method: 'tls', clientId, presented: certificate };
  }
  if (authorization === undefined) return fromBody(clientId, secret);
  const credentials = fromBasic(authorization);
  if (clientId !== undefined && clientId !== credentials.clientId) {
    throw new HttpError(400, 'The client_id is not the client that authenticates.');
  }
  return credentials;
}

/** RFC 7521 section 4.2: an assertion and its type come together. */
function assertionOf(form: Form, clientId: string | undefined): ReceivedCredentials | undefined {
  const assertion = single(form, 'client_assertion');
  const type = single(form, 'client_assertion_type');
  if (assertion === undefined && type === undefined) return undefined;
  if (assertion === undefined || type === undefined) {
    throw new HttpError(400, 'client_assertion and client_assertion_type must be sent together.');
  }
  if (type === JWT_BEARER) return { method: 'private_key_jwt', clientId, assertion };
  if (type === JWT_SPIFFE) return { method: 'spiffe_jwt', clientId, assertion };
  throw new WaybillError(
    'invalid_client',
    `The client_assertion_type must be ${JWT_BEARER} or ${JWT_SPIFFE}.`,
  );
}

function fromBody(clientId: string | undefined, secret: string | undefined): ReceivedCredentials {
  if (clientId === undefined || secret === undefined) {
    throw new WaybillError(
      'invalid_client',
      'The request does not authenticate: send client_secret_basic, client_id and client_secret, a client_assertion, or client_id and a certificate.',
    );
  }
  return { method: 'client_secret_post', clientId, secret };
}

/** RFC 7617; RFC 6749 section 2.3.1: id and secret are form-encoded each before they are joined. */
function fromBasic(authorization: string): ReceivedCredentials {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization);
  const pair = match?.[1] === undefined ? '' : Buffer.from(match[1], 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const clientId = colon < 0 ? undefined : formDecode(pair.slice(0, colon));
  const secret = colon < 0 ? undefined : formDecode(pair.slice(colon + 1));
  if (!clientId || !secret) {
    throw new WaybillError(
      'invalid_client',
      'The Authorization header is not Basic with a client and a secret, form-encoded each (RFC 6749 section 2.3.1).',
    );
  }
  return { method: 'client_secret_basic', clientId, secret };
}

function formDecode(text: string): string | undefined {
  return attempt(() => decodeURIComponent(text.replaceAll('+', ' ')));
}
