/** `POST /revoke` (RFC 7009): 200 without a body, for a token that nobody knows too (section 2.2). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { nameOf, type Issuer, type Party } from '../issuer/index.ts';
import { presentedCertificate, type CertificateProxy } from '../identity/index.ts';
import { NO_STORE, RequestRefused, sendOAuthError } from './answers.ts';
import { credentialsOf } from './credentials.ts';
import { parseForm, single } from './form.ts';
import { logRefusal } from './token-endpoint.ts';

/** @param request its `body` is text where it is form-encoded. */
export async function answerRevocation(
  issuer: Issuer,
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
  log: Logger,
  proxy: CertificateProxy | undefined,
): Promise<void> {
  let party: Party | undefined;
  try {
    const form = parseForm(request.body);
    party = await issuer.authenticate(credentialsOf(request, form, presentedCertificate(request, proxy)));
    const token = single(form, 'token');
    if (token === undefined) throw new RequestRefused(400, 'The parameter token is missing.');
    const txn = await issuer.revoke(party, token);
    log.info({ client: nameOf(party), txn }, txn === undefined ? 'nothing to revoke' : 'revoked');
    response.writeHead(200, { ...NO_STORE, 'content-length': 0 }).end();
  } catch (error) {
    logRefusal(log, error, party);
    sendOAuthError(response, error);
  }
}
