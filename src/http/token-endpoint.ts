/** `POST /token`, as a list of steps: read the form, authenticate the client, choose the grant, issue, answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { WaybillError } from '../errors.ts';
import type { ClientPlan } from '../graph/index.ts';
import type { IssuedTree, Issuer } from '../issuer/index.ts';
import { NO_STORE, RequestRefused, sendJson, sendOAuthError } from './answers.ts';
import { credentialsOf } from './credentials.ts';
import { parseForm, single, type Form } from './form.ts';

type Grant = (issuer: Issuer, client: ClientPlan, form: Form) => Promise<IssuedTree>;

/** RFC 6749 section 4.4. */
const clientCredentials: Grant = (issuer, client, form) =>
  issuer.issue(client, { scopes: scopesOf(form), resources: form.get('resource') ?? [] });

export const grants: ReadonlyMap<string, Grant> = new Map([['client_credentials', clientCredentials]]);

/** @param body the text of the body where it is form-encoded. */
export async function answerTokenRequest(
  issuer: Issuer,
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
  log: Logger,
): Promise<void> {
  let client: ClientPlan | undefined;
  try {
    const form = parseForm(request.body);
    client = issuer.authenticate(credentialsOf(request, form));
    const tree = await grantOf(form)(issuer, client, form);
    const { token, ...issued } = tree;
    log.info({ ...issued, graph: issuer.plan.digest.slice(0, 16) }, 'issued');
    const body = {
      access_token: token,
      token_type: 'Bearer',
      expires_in: issued.expiresIn,
      scope: issued.scope,
    };
    sendJson(response, 200, body, NO_STORE);
  } catch (error) {
    logRefusal(log, error, client);
    sendOAuthError(response, error);
  }
}

function grantOf(form: Form): Grant {
  const type = single(form, 'grant_type');
  if (type === undefined) throw new RequestRefused(400, 'The parameter grant_type is missing.');
  const grant = grants.get(type);
  if (!grant) {
    throw new WaybillError(
      'unsupported_grant_type',
      `Only these grants are supported: ${[...grants.keys()].join(', ')}.`,
    );
  }
  return grant;
}

/** The graph's language bounds a scope. What is longer is no scope, often a token, and is not repeated in an answer. */
const MAX_SCOPE = 128;

/** RFC 6749 section 3.3: scope tokens, one space between two. */
function scopesOf(form: Form): string[] {
  const scopes = (single(form, 'scope') ?? '').split(' ').filter((scope) => scope !== '');
  if (scopes.some((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))) {
    throw new WaybillError(
      'invalid_scope',
      'A scope holds a character that no scope has (RFC 6749 section 3.3).',
    );
  }
  if (scopes.some((scope) => scope.length > MAX_SCOPE)) {
    throw new WaybillError('invalid_scope', `A scope has at most ${MAX_SCOPE} characters.`);
  }
  return scopes;
}

/** What a client did wrong is a warning, what we did wrong is an error; the request itself is never logged. */
export function logRefusal(log: Logger, error: unknown, client?: ClientPlan): void {
  if (error instanceof WaybillError) {
    log.warn(
      { error: error.code, reason: error.message, detail: error.detail, client: client?.name },
      'refused',
    );
  } else {
    log.error({ err: error, client: client?.name }, 'failed');
  }
}
