/**
 * The policy for the input of opa-envoy, the external authorization of Envoy: it verifies the token as the extractor does,
 * then the policy over claims decides.
 */
const THREE_PARTS = '^(?i:bearer) +([A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+)$';
/** RFC 6749 section 3.3. */
const SCOPE = '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+(?: [\\x21\\x23-\\x5b\\x5d-\\x7e]+)*$';

export const ENVOY_POLICY = `# Whether a request to Envoy may go on: its token is verified, then waybill.authz decides.
#
# input                                     as the plugin opa-envoy makes it
# input.attributes.contextExtensions.service  the service before which Envoy stands, as the graph names it; without it,
#                                           the service whose identity is Envoy's own certificate
# data.waybill.jwks                         the issuer's keys; without them they are fetched from the issuer, and cached
package waybill.envoy

import data.waybill.authz

default allow := false

allow if {
	is_access_token
	is_signed
	is_well_formed
	is_current
	claims.iss == data.waybill.graph.issuer
	not certificate_has_ended
	authz.allow with input as question
}

question := object.union(
	{
		"service": service,
		"method": request.method,
		"path": path,
		"claims": claims,
	},
	presenter,
)

request := input.attributes.request.http

path := split(request.path, "?")[0]

service := input.attributes.contextExtensions.service

service := name if {
	not input.attributes.contextExtensions.service
	some name, one in data.waybill.graph.services
	input.attributes.destination.principal in object.get(one, "identities", [one.identity])
}

# Repeated headers are joined with a comma, which no token has. A packed token (wb1~) has no three parts.
token := text if {
	authorization := request.headers.authorization
	count(authorization) <= count("Bearer ") + data.waybill.graph.largest_token
	[[_, text]] := regex.find_all_string_submatch_n(${JSON.stringify(THREE_PARTS)}, authorization, 1)
}

decoded := io.jwt.decode(token)

header := decoded[0]

claims := decoded[1]

# RFC 9068 section 4: no other JWT of the issuer is an access token. RFC 8725 section 3.10: none brings its own key.
is_access_token if {
	lower(header.typ) in {"at+jwt", "application/at+jwt"}
	every member in ["crit", "jku", "jwk", "x5u", "x5c"] {
		not member in object.keys(header)
	}
}

is_signed if {
	signature := split(token, ".")[2]
	base64url.encode_no_pad(base64url.decode(signature)) == signature
	is_signed_by(key)
}

is_signed_by(one) if {
	header.alg == "ES256"
	io.jwt.verify_es256(token, one)
}

is_signed_by(one) if {
	header.alg == "PS256"
	io.jwt.verify_ps256(token, one)
}

is_signed_by(one) if {
	header.alg == "RS256"
	io.jwt.verify_rs256(token, one)
}

# The one that the token names, and for its algorithm.
key := json.marshal({"keys": named}) if {
	header.kid != ""
	named := [one |
		some one in keys
		one.kid == header.kid
		object.get(one, "alg", header.alg) == header.alg
	]
	count(named) == 1
}

keys := data.waybill.jwks.keys

keys := answer.body.keys if {
	not data.waybill.jwks
	answer := http.send({
		"method": "GET",
		"url": concat("", [data.waybill.graph.issuer, "/jwks"]),
		"timeout": "5s",
		"cache": true,
		"force_json_decode": true,
		"raise_error": false,
	})
	answer.status_code == 200
}

is_well_formed if {
	every claim in ["iss", "sub", "client_id", "jti", "txn"] {
		is_text(claims[claim])
	}
	every claim in ["iat", "exp"] {
		is_time(claims[claim])
	}
	is_time(object.get(claims, "nbf", 0))
	is_text(object.get(claims, ["act", "sub"], "nobody"))
	are_names(object.get(claims, ["act", "also"], ["nobody"]))
	regex.match(${JSON.stringify(SCOPE)}, claims.scope)
}

are_names(value) if {
	is_array(value)
	count(value) in {1, 2, 3}
	every name in value {
		is_text(name)
	}
}

is_text(value) if {
	is_string(value)
	value != ""
}

is_time(value) if {
	is_number(value)
	value >= 0
}

now := time.now_ns() / 1000000000

# The end has no tolerance; clocks may differ by some seconds (RFC 7519 section 4.1.5).
is_current if {
	now < claims.exp
	max([claims.iat, object.get(claims, "nbf", 0)]) <= now + 5
}

# Envoy has verified the certificate; it sends it only with include_peer_certificate.
certificate := crypto.x509.parse_certificates(urlquery.decode(input.attributes.source.certificate))[0]

# A connection may outlive the certificate with which it began.
certificate_has_ended if now * 1000000000 >= time.parse_rfc3339_ns(certificate.NotAfter)

presenter["presenter"] := input.attributes.source.principal if not has_several_uris

# Nobody is known by one of several (X.509-SVID section 2).
has_several_uris if count(certificate.URIStrings) > 1

# RFC 8705 section 3.1.
presenter["thumbprint"] := base64url.encode_no_pad(hex.decode(crypto.sha256(base64.decode(certificate.Raw)))) if {
	not certificate.IsCA
}
`;
