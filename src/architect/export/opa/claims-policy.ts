/** The policy over claims that something else has verified. It reads `data.waybill.graph` and decides about one request. */
import { AMBIGUOUS_PATHS } from '../operations/index.ts';

export const CLAIMS_POLICY = `# Whether a request may go on, by the graph and by the claims of the token that it carries.
#
# input.service     the service that is called, as the graph names it
# input.method      the HTTP method
# input.path        the path as it was sent, without a query
# input.operation   in place of method and path, for what is not HTTP: the operation as the graph writes it
# input.claims      the claims of the token. Its signature, issuer and times are verified already
# input.presenter   the identity of the connection's certificate; needed where the service checks its caller
# input.thumbprint  x5t#S256 of that certificate (RFC 8705); needed for a token that is bound to it
# input.jkt         thumbprint of the key of a verified DPoP proof (RFC 9449); needed for a token that is bound to it
package waybill.authz

default allow := false

allow if {
	count(granted) > 0
	for_this_service
	presented_rightly
	holds_keys
}

service := data.waybill.graph.services[input.service]

# Scopes of the token that are the service's own, were given to this caller, and stand for this operation.
granted contains scope if {
	some scope in split(input.claims.scope, " ")
	may_hold(service.scopes[scope])
	asked_for(service.scopes[scope])
}

# A token below the root names its presenter; a root is a client's.
may_hold(scope) if input.claims.act.sub in scope.presenters

may_hold(scope) if {
	is_root
	input.claims.client_id in scope.clients
}

is_root if not "act" in object.keys(input.claims)

asked_for(scope) if input.operation in scope.operations

asked_for(scope) if {
	some request in scope.requests
	matches(request)
	not belongs_to_another(request)
	not is_ambiguous
}

matches(request) if {
	method_matches(request.methods)
	regex.match(request.path, input.path)
}

method_matches(methods) if count(methods) == 0

method_matches(methods) if input.method in methods

# Another scope names this request more exactly, in some spelling of its path.
belongs_to_another(request) if {
	some other in request.except
	matches(other)
}

# Servers may resolve such a path to another one.
${AMBIGUOUS_PATHS.map((path) => `is_ambiguous if regex.match(${JSON.stringify(path)}, input.path)\n`).join('\n')}
audiences := object.get(service, "audiences", [service.audience])

for_this_service if input.claims.aud in audiences

for_this_service if {
	some one in input.claims.aud
	one in audiences
}

presented_rightly if service.caller == "none"

presented_rightly if input.presenter == input.claims.act.sub

# Another identity of the same caller.
presented_rightly if input.presenter in input.claims.act.also

# A root names nobody. Either it is bound to a key, or a gateway has seen who its client is.
presented_rightly if {
	is_root
	is_bound
}

presented_rightly if {
	is_root
	input.presenter in data.waybill.graph.gateways
}

is_bound if "cnf" in object.keys(input.claims)

# Every binding of the token must hold (RFC 7800), so one that is not known here never does.
holds_keys if not is_bound

holds_keys if {
	count(input.claims.cnf) > 0
	every method, thumbprint in input.claims.cnf {
		shown[method] == thumbprint
	}
}

shown["x5t#S256"] := input.thumbprint

shown.jkt := input.jkt
`;
