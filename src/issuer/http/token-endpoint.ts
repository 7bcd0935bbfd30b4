/** `POST /token`: reads the grant, issues, logs what was issued, responds (RFC 6749 section 5.1). */
import { NO_STORE, loginMembers, sendJson } from './responses.ts';
import type { ServerResponse } from 'node:http';
import type { Answered, AuthenticatedForm, FormEndpoint } from './authenticated-form.ts';
import { grantNameOf, grantOf } from './grants.ts';
import { headerValues } from '../../input/header-lines.ts';

export const tokenEndpoint: FormEndpoint = {
  name: 'token',
  answer,
  observed: (form) => ({ grant: grantNameOf(form) }),
};

async function answer(asked: AuthenticatedForm, response: ServerResponse): Promise<Answered> {
  const { issuer, party, form, request, presented, log } = asked;
  const proofs = headerValues(request.rawHeaders, 'dpop');
  const keys = { certificate: presented?.certificate, proofs };
  const { tree, answer: added } = await grantOf(form)({ issuer, party, form, keys });
  const { token, opaque, reused, client, caller, entry, scope, txn, tokens, bytes, encoding, cnf, stepUp } =
    tree;
  const graph = issuer.plan.digest;
  const line: Record<string, unknown> = {
    client,
    caller,
    entry,
    scopes: scope,
    txn,
    tokens,
    bytes,
    encoding,
    graph,
  };
  if (opaque) line['opaque'] = opaque;
  if (reused) line['reused'] = reused;
  if (cnf) line['cnf'] = cnf;
  log.info(line, 'issued');
  const body = { access_token: token, token_type: tree.tokenType, expires_in: tree.expiresIn, scope };
  const more = stepUp && {
    insufficient_user_authentication: { scope: stepUp.scopes.join(' '), ...loginMembers(stepUp.login) },
  };
  sendJson(response, 200, Object.assign(body, added, more), NO_STORE);
  return { tree: { encoding: encoding ?? 'opaque', reused, tokens, bytes } };
}
