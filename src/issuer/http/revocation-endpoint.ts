/** `POST /revoke` (RFC 7009): 200 without a body, also for an unknown token (section 2.2). */
import type { ServerResponse } from 'node:http';
import { nameOf } from '../index.ts';
import { NO_STORE } from './responses.ts';
import type { Answered, AuthenticatedForm, FormEndpoint } from './authenticated-form.ts';
import { required } from './form.ts';

export const revocationEndpoint: FormEndpoint = { name: 'revocation', answer };

async function answer(
  { issuer, party, form, log }: AuthenticatedForm,
  response: ServerResponse,
): Promise<Answered> {
  const txn = await issuer.revoke(party, required(form, 'token'));
  log.info({ client: nameOf(party), txn }, txn === undefined ? 'nothing to revoke' : 'revoked');
  response.writeHead(200, { ...NO_STORE, 'content-length': 0 }).end();
  return {};
}
