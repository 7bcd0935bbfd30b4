/** `POST /revoke` (RFC 7009): 200 without a body, also for an unknown token (section 2.2). */
import { nameOf } from '../index.ts';
import { NO_STORE } from './responses.ts';
import type { FormAnswer } from './authenticated-form.ts';
import { required } from './form.ts';

export const answerRevocation: FormAnswer = async ({ issuer, party, form, log }, response) => {
  const txn = await issuer.revoke(party, required(form, 'token'));
  log.info({ client: nameOf(party), txn }, txn === undefined ? 'nothing to revoke' : 'revoked');
  response.writeHead(200, { ...NO_STORE, 'content-length': 0 }).end();
};
