/**
 * Policies of report mode, beside those that decide: they let every request pass, and name what the others refuse. They
 * ask the same rules, so that a report never differs from the decision.
 */
import { TOKEN_HEADERS } from '../token-headers.ts';

/** Beside `waybill/authz/allow`. */
export const CLAIMS_REFUSAL = `# Why waybill.authz.allow denies a request, in the words of Waybill's middleware; undefined where it allows one.
package waybill.authz

refusal := reason if not allow

# The first that holds.
reason := "usage" if not service

else := "path_ambiguous" if is_ambiguous

else := "token_audience" if not for_this_service

else := "token_presenter" if not presented_rightly

else := "token_presenter" if not holds_keys

else := "operation_unlisted" if not is_listed

else := "scope_insufficient"

is_listed if {
	some scope in service.scopes
	asked_for(scope)
}
`;

/** Beside `waybill/envoy/allow`. */
export const ENVOY_REPORT = `# Lets every request to Envoy pass. For one that waybill.envoy.allow denies, the decision names the refusal. Envoy keeps
# that as dynamic metadata of its filter ext_authz, and OPA writes it to its decision log.
package waybill.envoy

import data.waybill.authz

report := {"allowed": true} if allow

else := {
	"allowed": true,
	"dynamic_metadata": object.union({"decision": "reported", "error": refusal}, verified),
	"request_headers_to_remove": identity_headers,
}

# In the words of Waybill's middleware; the first that holds.
refusal := "usage" if not is_known

else := "path_ambiguous" if authz.is_ambiguous with input as {"path": path}

else := "token_missing" if not has_scheme("bearer|dpop")

else := "token_too_large" if count(request.headers.authorization) > count("Bearer ") + data.waybill.graph.largest_token

else := "token_repeated" if contains(request.headers.authorization, ",")

# Nothing here checks a proof (RFC 9449).
else := "token_presenter" if has_scheme("dpop")

else := "token_packed" if regex.match("^[^ ]+ +wb1~", request.headers.authorization)

# JWE in compact form (RFC 7516 section 3.1).
else := "token_sealed" if count(split(request.headers.authorization, ".")) == 5

else := "token_malformed" if not claims

else := "token_type" if not is_access_token

else := "issuer_unavailable" if not keys

else := "token_key_unknown" if not key

else := "token_signature" if not is_signed

else := "token_claims" if not is_well_formed

else := "token_claims" if not has_parties

else := "token_issuer" if claims.iss != data.waybill.graph.issuer

else := "token_audience" if not authz.for_this_service with input as question

else := "token_expired" if now >= claims.exp

else := "token_not_yet_valid" if not is_current

else := "token_presenter" if certificate_has_ended

else := code if code := authz.reason with input as question

else := "server_error"

is_known if data.waybill.graph.services[service]

has_parties if {
	count(claims.aud) > 0
	not "act" in object.keys(claims)
}

has_parties if {
	count(claims.aud) > 0
	is_text(claims.act.sub)
}

has_scheme(name) if regex.match(sprintf("^(?i:%s)( |$)", [name]), request.headers.authorization)

# Of a token that the issuer has signed.
verified := {name: value |
	is_access_token
	is_signed
	claims.iss == data.waybill.graph.issuer
	some name, at in {"txn": ["txn"], "client": ["client_id"], "caller": ["act", "sub"]}
	value := object.get(claims, at, null)
	is_string(value)
}

# Headers that a proxy sets for a token that was accepted.
identity_headers := [name |
	some name, _ in object.get(request, "headers", {})
	regex.match(${JSON.stringify(`^(?i:${TOKEN_HEADERS})`)}, name)
]
`;
