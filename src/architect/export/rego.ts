/**
 * The policy of the OPA bundle. It reads `data.waybill.graph` and decides about one request. It does not check
 * signature, issuer and times: the token must be verified before.
 */
export const REGO = `# Whether a request may go on, by the graph and by the claims of the token that it carries.
#
# input.service    the service that is called, as the graph names it
# input.method     the HTTP method
# input.path       the normalised path, without a query
# input.operation  in place of method and path, for what is not HTTP: the operation as the graph writes it
# input.claims     the claims of the token. Its signature, issuer and times are verified already
# input.presenter  the identity of the connection's certificate; needed where the service checks its caller
package waybill.authz

default allow := false

allow if {
	count(granted) > 0
	for_this_service
	presented_rightly
}

service := data.waybill.graph.services[input.service]

# Scopes of the token that are the service's own, were given to this caller, and stand for this operation.
granted contains scope if {
	some scope in split(input.claims.scope, " ")
	may_hold(service.scopes[scope])
	some operation in service.scopes[scope].operations
	asked_for(operation)
}

# A token below the root names its presenter; a root is a client's.
may_hold(scope) if input.claims.act.sub in scope.presenters

may_hold(scope) if {
	not input.claims.act
	input.claims.client_id in scope.clients
}

asked_for(operation) if operation.name == input.operation

asked_for(operation) if {
	method_matches(operation)
	regex.match(operation.path, input.path)
}

method_matches(operation) if operation.method == input.method

method_matches(operation) if operation.method == "*"

for_this_service if service.audience == input.claims.aud

for_this_service if service.audience in input.claims.aud

presented_rightly if service.caller == "none"

presented_rightly if not input.claims.act

presented_rightly if input.presenter == input.claims.act.sub
`;
