/** The grants of the token endpoint: what each reads from the form, and who may use it. */
import { isScopeToken } from '../../protocol.ts';
import { WaybillError, isWaybillError } from '../../errors.ts';
import type { ClientPlan, GrantName } from '../../graph/index.ts';
import type { IssueRequest, IssuedTree, Issuer, Party, PresentedKeys, SubjectToken } from '../index.ts';
import { HttpError } from './responses.ts';
import type { ObservedGrant } from './observed-request.ts';
import { encodingOf, required, single, type Form } from './form.ts';
import { grantedDetails, refuseRequestDetails, requestDetailsOf, underCodeOf } from './request-details.ts';

/** The tree, and the members of the response beyond RFC 6749 section 5.1. */
export interface Granted {
  readonly tree: IssuedTree;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** A token request whose sender has authenticated. */
export interface TokenRequest {
  readonly issuer: Issuer;
  readonly party: Party;
  readonly form: Form;
  readonly keys: PresentedKeys;
}

export type Grant = (request: TokenRequest) => Promise<Granted>;

/** What every grant reads. */
function commonOf({ form, keys }: TokenRequest) {
  return {
    scopes: scopesOf(form),
    resources: targetsOf(form, 'resource'),
    encoding: encodingOf(form),
    presented: keys,
  };
}

/** RFC 8693 section 3. */
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

/** RFC 6749 section 4.4. */
const clientCredentials: Grant = async (asked) => {
  const { issuer, party } = asked;
  if (party.kind === 'service') {
    throw new WaybillError(
      'unauthorized_client',
      `${party.service.name} is a service: it exchanges the tokens that it receives.`,
    );
  }
  requireGrant(party.client, 'client_credentials');
  return forClient(asked, (request) => issuer.issue(party.client, request));
};

/** RFC 8693 section 2.1: a client exchanges a user's token for a tree, a service its own for a callee's. */
const tokenExchange: Grant = async (asked) => {
  const { issuer, party, form } = asked;
  const subjectToken = required(form, 'subject_token');
  const type = requireType(form, 'subject_token_type', party.kind === 'client' ? SUBJECT_TYPES : OWN_TYPES);
  if (type === undefined) throw new HttpError(400, 'The parameter subject_token_type is missing.');
  if (form.has('actor_token') || form.has('actor_token_type')) {
    throw new HttpError(400, 'Actor tokens are not supported: the party that authenticates is the actor.');
  }
  const answer = { issued_token_type: requireType(form, 'requested_token_type', OWN_TYPES) ?? ACCESS_TOKEN };
  const common = commonOf(asked);
  if (party.kind === 'service') {
    refuseRequestDetails(form);
    const request = { ...common, subjectToken, audiences: targetsOf(form, 'audience') };
    const tree = await issuer.exchange(party.service, request);
    return { tree, answer: { ...answer, ...typeOf(tree) } };
  }
  requireGrant(party.client, 'token_exchange');
  const subject = { token: subjectToken, type: SUBJECT_TYPES.get(type) ?? 'jwt' };
  const resources = [...common.resources, ...audiencesOf(issuer, form)];
  const issued = await forClient(asked, (request) =>
    issuer.issueFor(party.client, subject, { ...request, resources }).catch((error: unknown) => {
      // RFC 8693 section 2.2.2: an unacceptable subject token is an invalid request.
      throw isWaybillError(error, 'invalid_grant')
        ? new WaybillError('invalid_request', error.message)
        : error;
    }),
  );
  return { tree: issued.tree, answer: { ...answer, ...issued.answer, ...typeOf(issued.tree) } };
};

/** A sealed token is a JWT (RFC 7519 section 5.2) that whoever asked for it cannot read as an access token. */
function typeOf({ sealed }: IssuedTree): { issued_token_type?: string } {
  return sealed ? { issued_token_type: JWT } : {};
}

/** What a client asks for, with what it says of its request; the answer says what of that was granted. */
async function forClient(
  asked: TokenRequest,
  issue: (request: IssueRequest) => Promise<IssuedTree>,
): Promise<Granted> {
  const { plan } = asked.issuer;
  const details = requestDetailsOf(asked.form, plan);
  const tree = await underCodeOf(details, issue({ ...commonOf(asked), request: details.values }));
  const answer = details.isRichRequest
    ? { authorization_details: grantedDetails(plan, tree.request ?? {}) }
    : {};
  return { tree, answer };
}

/** RFC 8693 section 2.1: `audience` is the name of the entry; an unknown name is used as it is, and matches no entry. */
function audiencesOf(issuer: Issuer, form: Form): string[] {
  return targetsOf(form, 'audience').map((name) => issuer.plan.services.get(name)?.audience ?? name);
}

/** RFC 7523 section 2.1: the same with the user's token as an assertion. */
const jwtBearer: Grant = async (asked) => {
  const { issuer, party, form } = asked;
  if (party.kind === 'service') throw new WaybillError('unauthorized_client', 'This grant is for clients.');
  requireGrant(party.client, 'jwt_bearer');
  const assertion = { token: required(form, 'assertion'), type: 'jwt' } as const;
  return forClient(asked, (request) => issuer.issueFor(party.client, assertion, request));
};

/** Token types that a service can present, and that are issued (RFC 8693 section 3). */
const OWN_TYPES: ReadonlyMap<string, SubjectToken['type']> = new Map([
  [ACCESS_TOKEN, 'access_token'],
  [JWT, 'jwt'],
]);
const SUBJECT_TYPES = new Map([
  ...OWN_TYPES,
  ['urn:ietf:params:oauth:token-type:id_token', 'id_token'] as const,
]);

function requireType(form: Form, name: string, known: ReadonlyMap<string, unknown>): string | undefined {
  const type = single(form, name);
  if (type !== undefined && !known.has(type)) {
    throw new HttpError(400, `The ${name} must be ${[...known.keys()].join(' or ')}.`);
  }
  return type;
}

function requireGrant(client: ClientPlan, grant: GrantName): void {
  if (client.grants.has(grant)) return;
  throw new WaybillError(
    'unauthorized_client',
    `${client.name} may use ${[...client.grants].join(', ')}, and not ${grant}.`,
  );
}

/** By grant type, with the names of the graph language. */
export const grants: ReadonlyMap<string, { readonly name: GrantName; readonly grant: Grant }> = new Map([
  ['client_credentials', { name: 'client_credentials', grant: clientCredentials }],
  ['urn:ietf:params:oauth:grant-type:token-exchange', { name: 'token_exchange', grant: tokenExchange }],
  ['urn:ietf:params:oauth:grant-type:jwt-bearer', { name: 'jwt_bearer', grant: jwtBearer }],
]);

/** The grant that a form asks for; `other` for any that is not supported. */
export function grantNameOf(form: Form): ObservedGrant {
  return grants.get(form.get('grant_type')?.[0] ?? '')?.name ?? 'other';
}

export function grantOf(form: Form): Grant {
  const known = grants.get(required(form, 'grant_type'));
  if (!known) {
    throw new WaybillError(
      'unsupported_grant_type',
      `Only these grants are supported: ${[...grants.keys()].join(', ')}.`,
    );
  }
  return known.grant;
}

/** The longest scope of the graph language. Longer text is often a token, and is not repeated in an answer. */
const MAX_SCOPE = 128;
/** Characters of the parameter: enough for a hundred of the longest scopes, more than a token in a header can carry. */
const MAX_SCOPES = 16 * 1024;
/** Characters of a `resource` or an `audience`: an audience of the graph is at most as long. */
const MAX_TARGET = 2_048;

/** RFC 6749 section 3.3: scope tokens, one space between two. @throws WaybillError `invalid_scope` */
function scopesOf(form: Form): string[] {
  const text = single(form, 'scope') ?? '';
  if (text.length > MAX_SCOPES) {
    throw new WaybillError('invalid_scope', `The parameter scope has at most ${MAX_SCOPES} characters.`);
  }
  const scopes = text.split(' ').filter((scope) => scope !== '');
  if (scopes.some((scope) => !isScopeToken(scope))) {
    throw new WaybillError('invalid_scope', 'A scope contains an invalid character (RFC 6749 section 3.3).');
  }
  if (scopes.some((scope) => scope.length > MAX_SCOPE)) {
    throw new WaybillError('invalid_scope', `A scope has at most ${MAX_SCOPE} characters.`);
  }
  return scopes;
}

/** @throws WaybillError `invalid_target` */
function targetsOf(form: Form, name: 'resource' | 'audience'): readonly string[] {
  const targets = form.get(name) ?? [];
  if (targets.every((target) => target.length <= MAX_TARGET)) return targets;
  throw new WaybillError('invalid_target', `The parameter ${name} has at most ${MAX_TARGET} characters.`);
}
