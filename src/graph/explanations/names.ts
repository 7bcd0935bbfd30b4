/** What is found of names: of parties, scopes, claims, providers and conditions. */
import { error, warning, type Explanation } from './explanation.ts';

export const ofNames = {
  // names
  'unknown-service': error(
    'An unknown service',
    'A call, or a list of services, names a service that no file declares. A callee outside the graph, such as a queue or a foreign API, takes `mode: none`.',
  ),
  'unknown-scope': error(
    'An unknown scope',
    'A call names a scope that the callee does not define, or a client asks by default for a scope that it may not call.',
  ),
  'unknown-claim': error(
    'An unknown claim',
    'Every claim that a token may carry is declared once under `claims`.',
  ),
  'unknown-zone': error('An unknown zone', 'A service is put into a zone that no file declares.'),
  'unknown-caller': error(
    'An unknown caller',
    '`callers` or `through` names neither a client nor a service.',
  ),
  'unknown-profile': error(
    'An unknown header-limit profile',
    'Header limits are known for the products that `waybill explain profiles` lists. For anything else give max_line, max_total, or both.',
  ),
  'profile-without-number': error(
    'A profile without a number',
    'No limit of this product could be established from its documentation or source, so Waybill ships none. Measure it, or ask whoever runs it, and give max_line, max_total, or both.',
  ),
  'caller-not-listed': error(
    'A caller that the callee does not list',
    'A scope with `callers` can be called by those alone. The finding stands in the file of the caller; the list belongs to the owner of the callee.',
  ),
  'empty-selector': warning(
    'A selector that nobody fits',
    'A selector stands for every party with its zone, owner, namespace and labels. None has them, so the list is shorter than it looks.',
  ),
  'self-selected': warning(
    'A selector that anyone can join',
    'Labels, namespaces, owners and zones are written by whoever declares a party, so a team can put itself into the list. Another rule still holds: the call must be declared. With `owners` an owner is bound to files, and a zone with `owners` of its own is closed to all others: select by one of these. Where every file of the graph is reviewed, accept the finding.',
  ),
  'unknown-owner': error(
    'An unknown owner',
    '`owners` lists the teams and their files. An `owner` of a service or client, one in `owners` of a zone or in a selector, is none of them.',
  ),
  'owner-outside-path': error(
    'A party outside the files of its owner',
    '`owners` says in which files the services and clients of a team stand, so that a review of these files (CODEOWNERS) is a review of all that the team declares. This one names an owner whose files do not include its own.',
  ),
  'zone-closed': error(
    'A party in a zone of others',
    'A zone with `owners` has services and clients of these teams alone.',
  ),
  'chain-not-listed': error(
    'A chain of calls that the callee does not list',
    'A scope with `through` can be reached by chains of calls alone that contain one of those parties; the client and the direct caller count. The finding stands at the last call of the shortest chain without one.',
  ),
  'lineage-too-short': error(
    'A chain that the issuer could not see',
    'A service can fetch a token for a scope with `through` by exchange. The issuer then looks for the party in the chain of the token that is presented, and refuses what that does not show: with `lineage: caller` a token names its caller alone.',
  ),
  'lineage-forwarded': error(
    'A party of `through` that forwards its own token',
    'Who forwards its own token is in no chain: the callee receives that very token. So it cannot be the party through which every chain goes.',
  ),
  'duplicate-audience': error(
    'Two services with one audience',
    'All audiences of a graph are different. A token for one would be good at the other, and a middleware that looks for the child of a URL would find two. Addresses are compared as that middleware does: a slash at the end, a default port and capitals in the host make no difference.',
  ),
  'duplicate-identity': error(
    'Two parties with one identity',
    'A token names who may present it (`act`), and with `lineage: full` who acted before, the client among them. With one identity each could present the tokens of the other, or pass for it in the chain. The same holds for services that share one credential, the `auth` of `defaults`, without a placeholder that tells them apart.',
  ),
  'placeholder-without-value': error(
    'A placeholder that stands for nothing',
    '`{namespace}`, `{zone}` and `{label.KEY}` are replaced for each service by its `namespace`, its zone and its label. A service without one would have the braces in its audience, its identity or its `auth`.',
  ),
  'unknown-placeholder': error(
    'A placeholder that nothing fills',
    '`{name}`, `{namespace}`, `{zone}` and `{label.KEY}` stand for those of the service, in its `audience` and `identity`, and in `spiffe_id`, `jwks_file` and `jwks_uri` of its `auth`. Nothing else in braces is filled in, there or elsewhere: the text would be compared with its braces, and never be equal. `{{` stands for the character `{` where placeholders are known.',
  ),
  'looks-like-pattern': warning(
    'A star that matches nothing',
    'Audiences, identities, scopes and the values of `when` are compared exactly. A star in one of them stands for itself, and not for any text. Where a name of the graph belongs, such as in `callers`, a star is an unknown name, which is an error.',
  ),
  'issuer-url': error(
    'An issuer URL that cannot be used',
    'The issuer URL is the `iss` of every token and the base of its endpoints: https (http on loopback only), without query, fragment, user name or final slash (RFC 8414 section 2).',
  ),
  'http-issuer': warning(
    'An issuer that is reached without TLS',
    'With `--allow-http-issuer` the issuer may have an http URL. Whoever reads the network reads tokens and client secrets, and whoever can change it can replace the keys by which tokens are verified. Only the mutual TLS of a mesh protects that, if nothing reaches the issuer but through its proxies.',
  ),
  'reuse-too-long': error(
    'Trees that are handed out again for too long',
    'A tree that is handed out again has part of its life behind it. `reuse` is at most a quarter of `lifetime`, so that whoever receives a tree can use it for three quarters of that.',
  ),
  'secret-source': error(
    'Where is the secret?',
    'A party that authenticates with a secret says where the issuer finds it: `secret_env` or `secret_file`, one of the two.',
  ),
  'key-source': error(
    'Where is the key?',
    'A party that authenticates with a key of its own says where the issuer finds the public half. `private_key_jwt`: `jwks_file` or `jwks_uri`, a JWK Set; an RSA key has an `alg`, and of several keys each has a `kid`. `self_signed_tls_client_auth`: `jwks_file`, with the certificates in `x5c`. `spiffe_x509` and `spiffe_jwt`: `bundle_file`, the bundle of its trust domain, a JWK Set with `use: x509-svid` or `use: jwt-svid`.',
  ),
  'seal-without-key': error(
    'A sealed call without a key',
    'A token for a sealed call is encrypted to its service, so the service needs `encryption`: a JWK Set with a public key on P-256 or X25519, with `use: enc` and a `kid`, in `jwks_file` or at `jwks_uri`. Without a key nothing is issued: a token is never sent unsealed instead.',
  ),
  'seal-unreadable': error(
    'A sealed call whose token the callee cannot open',
    "Sealing encrypts the callee's own token to the callee. With `mode: forward` the callee gets the caller's token, which is sealed to the caller if to anyone, and with `mode: none` it gets none. Embed or exchange the token, or do not seal the call.",
  ),
  'trust-bundle': error(
    'Trust domains and bundles that do not fit',
    'A SPIFFE ID is believed because a key of its own trust domain signed it. A bundle is therefore that of one trust domain, and a trust domain has one bundle: with a second one, or with one that two share, the keys of one domain could speak for workloads of another (draft-ietf-oauth-spiffe-client-auth section 5).',
  ),
  'certificate-name': error(
    'Which certificate?',
    'With `tls_client_auth` an authority vouches for the certificate, and the graph says which one it is by one name in it: `subject_dn` (RFC 4514), `san_dns`, `san_uri`, `san_email` or `san_ip` (RFC 8705 section 2.1.2).',
  ),
  'unknown-subject': error(
    'An unknown provider',
    'A client may exchange the tokens of the providers that its `subjects` names; each is declared under `subjects`.',
  ),
  'subject-url': error(
    'A provider URL that cannot be used',
    'The issuer and the keys of a provider are fetched: https (http on loopback only), without query, fragment or user name.',
  ),
  'subject-is-issuer': error(
    'The issuer as its own provider',
    'A provider says who a user is. Tokens of this issuer say what a service may do; were they taken for a user, any service could begin a tree of its own.',
  ),
  'subject-prefix': error(
    'Two providers whose users could be one',
    "The `sub` of a tree is the prefix of the provider, a colon, and the provider's own subject (RFC 9068 section 5). With one prefix for two, or none beside others, two users could have one name. Only a single provider may have none.",
  ),
  'subjects-and-grants': error(
    'Grants and providers that do not fit',
    'A client that exchanges the tokens of users names the grant (`token_exchange` or `jwt_bearer`) and the providers (`subjects`); a scope with `when` needs both.',
  ),
  'subject-ambiguous': error(
    'Two providers that cannot be told apart',
    'Which provider a token is of, its issuer says, its kind (`token_types`) and its audience. A client that lists two which are alike in all three would always mean the first, with its prefix and its rules.',
  ),
  'condition-claim': error(
    'A condition on what is no claim of a subject',
    '`when` asks for a claim of the token that the provider issued. A claim that is declared with `from: client`, or with a fixed `value`, is another one under the same name.',
  ),
  'condition-syntax': error(
    'A condition that cannot be read',
    'A condition is text in CEL, the Common Expression Language, such as `provider == "workforce" && "support" in subject.role`; or a mapping of facts, each with the values of which it must have one.',
  ),
  'condition-type': error(
    'A condition on values that cannot fit',
    'Claims have a `type`, `provider` and `auth.acr` are texts, `auth.age` is a number of seconds, and the whole condition is true or false. A comparison of values of different types would never hold.',
  ),
  'condition-unsupported': error(
    'A condition with parts that conditions do not have',
    'Conditions are decided for every request, so they are small and cheap: facts, literals, comparisons, `in`, `&&`, `||`, `!`, `has`, `size`, `startsWith`, `endsWith`, `contains`, and `exists` or `all` over a list, not nested. There are no regular expressions, no arithmetic and no clock. At most 1,024 characters, 128 parts, 16 levels, 64 members of a list.',
  ),
  'condition-not-carried': error(
    'A condition on what the callee does not see',
    'A condition that reads a claim of the request trusts what the client says of it. The callee must hold the client to its word, so the token of the scope carries the claim: it is approved for 40 and charged with 40.',
  ),
  'condition-constant': warning(
    'A condition that decides nothing',
    'A part of the condition is always true, or never, whatever the request is.',
  ),
  'condition-never-met': warning(
    'A condition that nobody can meet',
    'No client that leads there can ever meet the condition: it asks for a user, and they ask for themselves; or for a provider, a level of login or a value that none of them has. The call is never made.',
  ),
  'ambiguous-provider': warning(
    'A condition that any provider can meet',
    'The condition reads claims or the login of a user, and a client that leads there accepts users of several providers. Each of them can then claim what the condition asks for, the weakest too. Add `provider == "…"`.',
  ),
  'unknown-condition': error(
    'An unknown condition or fact',
    'A condition reads facts (`subject.CLAIM`, `request.CLAIM`, `client.CLAIM`, `provider`, `auth.acr`, `auth.age`), and conditions that stand under `conditions` by their names.',
  ),
  'unknown-level': error(
    'A level of login that no provider has',
    'The levels that conditions compare `auth.acr` with are those of the graph. Each provider says under `acr` which values of its tokens mean which level. Only a graph with a single provider needs none: there, the values are those of its tokens.',
  ),
  'bound-twice': error(
    'Tokens bound to two keys',
    'A root token can be bound to a key, so that it is worthless for whoever steals it: to that of the certificate with which its client asked for it (`tls_client_certificate_bound_access_tokens`, RFC 8705), or to one that signs a proof for each request (`dpop_bound_access_tokens`, RFC 9449). A client has one of the two. Without either, a request with a DPoP proof still gets a bound token.',
  ),
  'introspect-without-auth': error(
    'A gateway that cannot authenticate',
    'Who introspects tokens authenticates to the issuer (RFC 7662 section 2.1). A service with `introspect` needs an `auth`.',
  ),
  'opaque-without-reader': warning(
    'An opaque token that no one can swap',
    'The client receives a reference that says nothing by itself. Its entry must be able to introspect it, with an `auth` of its own, or a gateway before it whose `introspect` names the entry.',
  ),
} satisfies Record<string, Explanation>;
