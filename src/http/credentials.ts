/** How a client authenticates: one way, and only one (RFC 6749 section 2.3). */
import type { IncomingMessage } from 'node:http';
import { WaybillError } from '../errors.ts';
import type { Credentials } from '../issuer/index.ts';
import { RequestRefused } from './answers.ts';
import { single, type Form } from './form.ts';

export function credentialsOf(request: IncomingMessage, form: Form): Credentials {
  const authorizations = request.headersDistinct['authorization'] ?? [];
  if (authorizations.length > 1)
    throw new RequestRefused(400, 'The request has more than one Authorization header.');
  const [authorization] = authorizations;
  const secret = single(form, 'client_secret');
  const clientId = single(form, 'client_id');
  if (authorization === undefined) return fromBody(clientId, secret);
  if (secret !== undefined) {
    throw new RequestRefused(
      400,
      'The request authenticates in its header and in its body; one is enough (RFC 6749 section 2.3).',
    );
  }
  const credentials = fromBasic(authorization);
  if (clientId !== undefined && clientId !== credentials.clientId) {
    throw new RequestRefused(400, 'The client_id is not the client that authenticates.');
  }
  return credentials;
}

function fromBody(clientId: string | undefined, secret: string | undefined): Credentials {
  if (clientId === undefined || secret === undefined) {
    throw new WaybillError(
      'invalid_client',
      'The request does not authenticate: send client_secret_basic, or client_id and client_secret.',
    );
  }
  return { method: 'client_secret_post', clientId, secret };
}

/** RFC 7617; RFC 6749 section 2.3.1: id and secret are form-encoded each before they are joined. */
function fromBasic(authorization: string): Credentials {
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
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
