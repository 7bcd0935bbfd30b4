/** What the code of a refusal means, and what to do: for operators who read logs. */
import type { ErrorCode } from '../../errors.ts';

export interface Meaning {
  readonly meaning: string;
  readonly advice: string;
}

const says = (meaning: string, advice: string): Meaning => ({ meaning, advice });

const REPAIR =
  'Nothing that Waybill sends looks so: see what stands between caller and service, or who sends this.';

export const meanings: Partial<Readonly<Record<ErrorCode, Meaning>>> = {
  token_missing: says(
    'The request has no `Authorization: Bearer …`.',
    'See whether the caller passes its own request’s context on, and whether the graph has this call. While callers are not ready, `mode: report` lets such requests pass.',
  ),
  token_repeated: says('The request has several `Authorization` headers.', REPAIR),
  token_too_large: says(
    'The token is larger than the service accepts.',
    'Compare `waybill plan` with the service’s limit; fetch calls on demand, or pack the tree.',
  ),
  token_malformed: says('The token is no JWT and no packed tree.', REPAIR),
  token_packed: says(
    'The service takes no packed tokens.',
    'Set `accepts: jwt` on the service in the graph, or let it accept packed tokens.',
  ),
  token_sealed: says(
    'The token is sealed, and not with a key and for an audience of this service; or it came unsealed where the service asks for seals.',
    'Compare the keys of the service (`decryption`) with those that `encryption` in the graph names, and its audience with the graph. With `seal: require` every call into it must have `seal: true`.',
  ),
  token_algorithm: says(
    'The token is signed in a way that the service does not accept.',
    'Compare `signing` of the issuer with the service’s `algorithms`.',
  ),
  token_key_unknown: says(
    'The token names a key that the issuer does not publish.',
    'See whether the service asks the right issuer, and whether keys were rotated faster than they were published.',
  ),
  token_signature: says(
    'The signature does not fit: the token was changed, or another key signed it.',
    'See what stands between caller and service, and whether two issuers share a URL.',
  ),
  token_type: says(
    'The token is another JWT of the issuer, no access token.',
    'Send the token that the extractor hands out for the callee.',
  ),
  token_issuer: says(
    'The token is from another issuer.',
    'Compare `issuer` of the service with the graph, character by character.',
  ),
  token_audience: says(
    'The token is for another service.',
    'The caller sends its own token, or that of another callee: let it call through `waybill.fetch`, or through its proxy. Compare the service’s audience with the graph.',
  ),
  token_claims: says('A claim that every token has is missing or has another type.', REPAIR),
  token_expired: says(
    'The token ended before it arrived.',
    'See how long the request took before this call, and compare clocks. A longer `lifetime` is in the graph; later work needs a token of its own.',
  ),
  token_not_yet_valid: says('The token begins in the future.', 'Compare the clocks of issuer and service.'),
  token_presenter: says(
    'Who presents the token is not the caller that it names.',
    'The token was passed on or stolen, or the caller’s certificate has another identity than the graph. Behind a proxy, see whether it passes the certificate on.',
  ),
  token_tree_too_large: says(
    'The tree inside the token has more tokens or levels than the service opens.',
    'Compare `limits` of the issuer with the service’s `limits`.',
  ),
  token_inactive: says(
    'The token was revoked.',
    'Look for `revoked` with the same txn in the issuer’s log. The client has to ask anew.',
  ),
  scope_insufficient: says(
    'The token does not have the scope of the operation.',
    '`waybill why GRAPH SERVICE:SCOPE` shows which requests lead to it. The client has to ask for a scope whose tree has it, or the graph lacks the call.',
  ),
  lineage_not_allowed: says(
    'None of the parties that the route asks for is on the way to it, or the token does not name all.',
    'Compare `allowLineage` of the route with the `act` of the token. Only `lineage: full` names every party.',
  ),
  crypto_failed: says(
    'The platform’s cryptography failed. Nothing is known of the token.',
    'See `detail`: the runtime lacks an algorithm, or is out of memory.',
  ),
  issuer_unavailable: says(
    'The service could not fetch the issuer’s keys, or ask it.',
    'See whether the service reaches the issuer, and `detail`.',
  ),
  issuer_metadata: says(
    'The issuer’s metadata or keys are not what they should be.',
    'See `detail`: another program may answer at that address.',
  ),
  introspection_refused: says(
    'The issuer did not accept the service’s question.',
    'See whether its credentials fit the graph, and whether it may introspect.',
  ),
  invalid_dpop_proof: says(
    'The proof that the client holds the key of its token is missing or wrong.',
    'See whether a proxy changed the address or the host; `addresses` names those that clients use.',
  ),
  overloaded: says('More requests came than could be decided.', 'Add processes, or raise the limit.'),
  child_missing: says(
    'The service’s token has no token for this callee.',
    'Its own request’s scopes do not lead to the callee: `waybill why GRAPH SERVICE:SCOPE`. The call is not in the graph, or the client asked for less.',
  ),
  child_on_demand: says(
    'The callee’s token must be fetched, and the service cannot.',
    'Give the service credentials, or `mode: embed` for the call.',
  ),
  child_ambiguous: says(
    'Two callees fit the address.',
    'Name the callee, or give the services audiences that do not lie inside one another.',
  ),
  child_foreign: says(
    'The token for the callee belongs to another request or another subject.',
    'Take tokens from the request that the call is made for.',
  ),
  child_too_large: says(
    'The callee’s header limit is smaller than its token.',
    '`waybill plan --fit` says which calls to fetch on demand.',
  ),
  exchange_refused: says(
    'The issuer did not give a token for the callee.',
    'See its log at the same time: the graph may be newer than the token, or the credentials do not fit.',
  ),
  insufficient_user_authentication: says(
    'The user’s login is too weak or too old for what was asked.',
    'The client asks the provider for another login with `acr_values` and `max_age` of the answer, and begins again. `waybill why GRAPH SERVICE:SCOPE` shows the condition.',
  ),
  handle_unknown: says(
    'The sidecar does not know the handle: it expired, or another sidecar gave it.',
    'Let the application use the handle of the request that it works for.',
  ),
  path_ambiguous: says('Servers read the path in different ways.', REPAIR),
  operation_unlisted: says(
    'No operation of the service has this method and path.',
    'Add it to a scope in the graph, or to `open` of the sidecar.',
  ),
};

export function meaningOf(code: string): Meaning | undefined {
  return Object.hasOwn(meanings, code) ? meanings[code as ErrorCode] : undefined;
}
