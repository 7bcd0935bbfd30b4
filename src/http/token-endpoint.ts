/** `POST /token`: chooses the grant, issues, logs what was issued, answers (RFC 6749 section 5.1). */
import { NO_STORE, sendJson } from './answers.ts';
import type { FormAnswer } from './authenticated-form.ts';
import { grantOf } from './grants.ts';

export const answerTokenRequest: FormAnswer = async ({ issuer, party, form, log }, response) => {
  const { tree, answer } = await grantOf(form)(issuer, party, form);
  const { token, opaque, client, caller, entry, scope, txn, tokens, bytes, expiresIn } = tree;
  const kind = opaque ? { opaque } : {};
  log.info(
    { client, caller, entry, scopes: scope, txn, tokens, bytes, ...kind, graph: issuer.plan.digest },
    'issued',
  );
  const body = { access_token: token, ...answer, token_type: 'Bearer', expires_in: expiresIn, scope };
  sendJson(response, 200, body, NO_STORE);
};
