/** Every finding that a check can make: how grave it is, and what `waybill explain CODE` says of it. */

export interface Explanation {
  readonly severity: 'error' | 'warning';
  readonly title: string;
  /** What it means, why it matters, and what to do. */
  readonly text: string;
}

const error = (title: string, text: string): Explanation => ({ severity: 'error', title, text });
const warning = (title: string, text: string): Explanation => ({ severity: 'warning', title, text });

/**
 * Every finding that a check can make, by its code: how grave it is, and what `waybill explain CODE` says of it.
 *
 * @example
 * ```ts
 * import { explanations } from 'waybill';
 *
 * for (const [code, { severity, title }] of Object.entries(explanations)) console.log(severity, code, title);
 * ```
 */
export const explanations = {
  // reading files
  'file-unreadable': error(
    'A file cannot be read',
    'The path does not exist, is not readable for this user, or is neither a file nor a folder. Name a graph file, or the folder that holds the files of one graph.',
  ),
  'no-files': error(
    'A folder without graph files',
    'In a folder, and in the folders below it, files that end in .yaml or .yml are read; names that begin with a dot and files of variables, which end in .vars.yaml, are passed over.',
  ),
  'too-many-files': error(
    'Too many files',
    'A graph is at most 2,000 files. A folder with more is most likely not the folder of a graph.',
  ),
  'file-too-large': error(
    'A file is too large',
    'A graph file has at most 16 MiB and all files of a graph at most 32 MiB. The bound is checked before the file is read, so that a wrong path or a hostile file cannot exhaust memory. For the same reason a file has at most two million values, and variables fill in at most 16 MiB.',
  ),
  'not-utf8': error('A file is not UTF-8', 'YAML files are UTF-8 text. Save the file in that encoding.'),
  'yaml-syntax': error(
    'Not YAML',
    'The parser could not read the file. The place is where it gave up; the cause is often in the line before: an indentation that does not fit, a bracket that is not closed, a tab, or a value with a colon or a brace that needs quotes.',
  ),
  'yaml-depth': error(
    'YAML nested too deep',
    'A graph needs nine levels of nesting; files with more than 64 are refused before they are built in memory.',
  ),
  'yaml-tag': error(
    'A YAML tag',
    'Tags such as !!set or !custom have no meaning in a graph and are refused.',
  ),
  'yaml-merge-key': error(
    'A merge key',
    'The merge key << is not part of YAML 1.2, and its order of precedence surprises. Anchors and aliases for whole values are fine; `defaults` holds what all services share.',
  ),
  'alias-limit': error(
    'Aliases that unfold too far',
    'An alias stands for all that its anchor holds. A few short lines of aliases of aliases can stand for billions of values; what aliases add is limited to 100,000 values in a file.',
  ),
  'duplicate-key': error(
    'A key stands twice',
    'YAML does not allow one key twice in a mapping; most parsers keep the last and lose the first without a word. Two keys with variables can become one when the variables are filled in.',
  ),
  'several-documents': error(
    'Several documents in one file',
    'A file holds one YAML document. Put the parts into files of their own in one folder.',
  ),
  'empty-file': error('An empty file', 'Every graph file begins with `waybill: 1`.'),
  // merging files
  'duplicate-name': error(
    'A name declared twice',
    'Clients, services and subjects share one namespace, over all files of a folder; so do claims among themselves, and zones. Both places are shown.',
  ),
  'duplicate-setting': error(
    'A setting in two files',
    '`name`, `issuer`, `vars` and `defaults` stand in one file of a graph, so that nobody has to guess which one counts.',
  ),
  'undefined-variable': error(
    'A variable without a value',
    '${name} takes its value from `vars`, `--vars FILE` or `--var name=value`. A variable must be declared in `vars`, so that a reader of the graph sees what can vary. `$${` stands for `${`.',
  ),
  'required-variable': error(
    'A required variable without a value',
    'The variable has no default, or is `required`, and nothing gives it a value. Give one with `--var name=value`, or in a file with `--vars FILE`.',
  ),
  'variable-value': error(
    'A value that a variable cannot have',
    'The value does not fit the `type` of the variable, or is not in its `one_of`. In a key only variables of the type string can stand.',
  ),
  'open-variable': error(
    'A variable that decides authority and can have any value',
    'In a key, and in what says who may call, with which scopes, and who may read, a variable must list its values in `one_of`, or be of the type boolean. So no command line adds a call, a scope or a caller that nobody has reviewed. Names, audiences, identities, addresses and files can vary freely.',
  ),
  'unused-variable': warning(
    'A variable that nothing uses',
    'It is declared under `vars` and no text of the graph refers to it.',
  ),
  // overlays
  'overlay-unmatched': error(
    'An overlay restates what nothing declares',
    'An overlay changes clients, services, scopes, calls, claims, zones, identity providers, domains, conditions and variables that ordinary files declare, and declares none itself: most names that nothing declares are typing errors. What only one environment has stands in an ordinary file that is named for this environment alone: `waybill serve shop env/stage-clients.yaml env/stage.yaml`. This is also checked for overlays in folders, which are not applied.',
  ),
  'overlay-widens': warning(
    'An overlay gives more authority',
    'With this change the graph gives somebody more than the ordinary files do, or something else: `waybill diff` without and with the overlay shows all of it. If it is meant, accept it under `accepted` in the overlay, with the reason; otherwise take it out.',
  ),
  // shape
  'unknown-key': error(
    'An unknown key',
    'The schema of the graph language does not know this key here. Keys of your own begin with x-.',
  ),
  'missing-key': error('A missing key', 'Something that must be said is not.'),
  'wrong-type': error(
    'A value of the wrong kind',
    'The value is a text where a list belongs, a list where a mapping belongs, or the like.',
  ),
  'invalid-value': error(
    'A value that is not allowed',
    'The value has the right kind and is not one that this key can take.',
  ),
  'secret-in-graph': error(
    'A secret in the graph',
    'Graphs are reviewed, shared and drawn: secrets do not belong there. `secret_env` names an environment variable of the issuer, `secret_file` a file. A secret that once stood in a graph should be changed.',
  ),
  'not-yet': error(
    'Not implemented yet',
    'The language has this, and this version of Waybill does not carry it out. It is refused because a rule that is silently ignored would be worse than none.',
  ),
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
    'All audiences of a graph are different. A token for one would be good at the other, and a middleware that looks for the child of a URL would find two.',
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
  // claims
  'reserved-claim': error(
    'A claim that the issuer writes',
    'Standard claims such as iss, sub, aud or exp, and those of a tree such as txn, act or embedded, are written by the issuer and cannot be declared.',
  ),
  'claim-source': error(
    'A claim needs one source',
    'Either `from` (whose value it is) or `value` (a fixed one), and not both. A claim of the request (`from: request`) has a `type`, no `path`, and alone can say who sets it (`set_by`).',
  ),
  'claim-value': error(
    'A value that its claim does not allow',
    'A claim with a `type` has values of this type alone, one with `values` only those. A value in the graph that is another would never reach a token as its readers expect it.',
  ),
  'too-many-request-claims': error(
    'More claims than a request can carry',
    'What a client or a gateway says of a request may be in every token of its tree. So a graph has at most 32 claims `from: request`, and their largest values have at most 2,048 bytes together.',
  ),
  'inexact-number': error(
    'A number that a token cannot carry',
    'JSON allows any number, but its readers keep one in a double of 64 bits: 9007199254740993 would arrive as 9007199254740992, an account that is off by one. So a number in a claim, or in a `when`, lies between -9007199254740991 and 9007199254740991 (2^53-1) and has no more digits than a double gives back (15 always fit, often 17); `.inf` and `.nan` are no numbers of JSON. Ids, accounts and exact amounts are texts: put quotes around them. The token of a user that has such a number in a claim of the graph is refused for the same reason.',
  ),
  'claim-too-large': error(
    'A value over its bound',
    'Sizes are planned with `max_bytes`, so a larger value is refused, here as well as when a token is issued. It counts what people see of a text: its bytes in UTF-8, with escapes where JSON has them, without the two quotes. Of any other value it counts the JSON.',
  ),
  'claim-without-value': error(
    'A needed claim that a client cannot fill',
    'A claim with `!` fails the request where it has no value, and this client, who reaches the service, gives none. A claim that gateways set (`set_by: gateway`) gets its value when an opaque token is swapped: the tokens of a client that receives JWTs never have it.',
  ),
  'unused-claim': warning(
    'A claim that nothing names',
    'It is declared, no service and no scope carries it, and no `when` asks for it.',
  ),
  'unused-zone': warning('An empty zone', 'It is declared, and no service and no client is in it.'),
  // who holds what
  'claim-outside-zone': error(
    'A claim that is read outside its zones',
    'A claim with `zones` is for parties of these zones alone. Everyone who can read a token reads its claims: its audience, its presenter, everyone above whose token embeds it, gateways that swap the root, and the client unless its token is opaque. A client is outside every zone unless it names one. A caller that fetches or carries the token reads its claims unless the call is sealed (`seal: true`): seal it, put the caller into a zone of the claim, or take the claim out. Against those above, seal the call or fetch the token on demand (`mode: exchange`), so that they never see it; against a client, seal its call or make it opaque. `waybill plan --holders` shows who reads what.',
  ),
  'spendable-by-others': warning(
    'A token that others can spend',
    'The service does not check who presents a token (`caller: none`), so whoever holds one can use it there: everyone above whose token embeds it, gateways, and the client unless its token is opaque. Let the service check its callers (`caller: mtls`), fetch the token on demand (`mode: exchange`), or make the client opaque. Where that is meant, accept the finding. `waybill plan --holders` shows who can spend what.',
  ),
  'spendable-outside': error(
    'A token that can be spent from outside',
    'The service does not check who presents a token (`caller: none`), and someone in an external zone, or a client outside every zone, holds a token for it that is not its own to present. Let the service check its callers (`caller: mtls`), fetch the token on demand (`mode: exchange`), make the client opaque (`token: opaque`), or say in which `zone` the client is. `waybill plan --holders` shows who can spend what.',
  ),
  // calls
  'call-ends': warning(
    'A call that ends soon',
    'The call has an `until` in the next 30 days. After that day, in UTC, it is as if it were not written: no token is issued for it, a running issuer included, and tokens issued before live out their lifetime.',
  ),
  'call-ended': warning(
    'A call that has ended',
    'The last day of the call, its `until`, has passed: it is as if it were not written. What only it leads to is unused. Take it out, or set a later day.',
  ),
  'conflicting-calls': error(
    'Calls that do not agree',
    'A token is made for a service and a set of its scopes. Where two of these scopes call the same callee, one token goes there, and it goes one way: the calls must have one mode.',
  ),
  'client-call-mode': error(
    'A mode that a client cannot have',
    'A client sends the token that it received from the issuer. Exchange and forward are for services.',
  ),
  'exchange-without-auth': warning(
    'An exchange that cannot authenticate',
    "With `mode: exchange` the caller fetches the callee's token when it needs it, and authenticates as itself. Give it an `auth`.",
  ),
  'forward-leaks': error(
    'A forwarded token that leaks',
    "A forwarded token is the caller's own, with the callee's audience added: the callee could use it as the caller. So it is allowed only into a service that lists the caller in `accepts_forward`, checks no caller and calls no one, in the same zone, with scope names that only one side defines, from a token that embeds nothing and is bound to no key, where the callee may read every claim.",
  ),
  'forward-lacks-claim': warning(
    'A forwarded token lacks a claim',
    "The callee names a claim that the caller's own token does not carry. It will not arrive.",
  ),
  cycle: error(
    'Scopes that embed each other in a cycle',
    'An embedded token would have to contain itself. `mode: exchange` on one call of the cycle breaks it. Often a scope is too coarse: services call each other in a cycle, and their operations do not.',
  ),
  // reach
  'unused-scope': warning(
    'A scope that no one calls',
    'No client and no service calls it, or only scopes that no one calls either. Authority that nobody uses is better taken away. All such scopes of one service are one finding, and what only they lead to is listed with them.',
  ),
  'unreachable-service': warning(
    'A service that no client reaches',
    'No chain of calls leads from a client to it, so no token is ever issued for it. What only it leads to is listed with it: one call may be missing, and not one to each.',
  ),
  // size
  'too-many-tokens': error(
    'A tree with too many tokens',
    'One request would bring more tokens than `issuer.limits.tokens`. Calls that are rare or conditional are better fetched on demand: `mode: exchange`.',
  ),
  'too-many-tokens-together': warning(
    'Too many tokens for all scopes together',
    'Each scope alone fits; all scopes of this entry in one request would bring more tokens than `issuer.limits.tokens`, and such a request is refused.',
  ),
  'too-deep': error(
    'A tree that is too deep',
    'One request would bring a tree with more levels than `issuer.limits.depth`. Every level of nesting costs a third of what is below it.',
  ),
  'too-complex': error(
    'A graph that merges in too many ways',
    'Where a request reaches one service by several calls, their scopes merge, and each different set of scopes is another token. This graph has more than 250,000 of them.',
  ),
  'budget-exceeded': error(
    'A token over the budget of a hop',
    "At its largest (every claim at its `max_bytes`) the token does not fit the headers that the hop accepts: the smallest limit of the callee's server and all that stands before it, less `reserve` for other headers. Requests would fail there with 400 or 431. Let a rare call be an exchange, raise the limit where you run the server, or shorten names and claims.",
  ),
  'budget-exceeded-together': warning(
    'Over a budget with all scopes together',
    'Each scope alone fits; a request for all scopes of this entry together would be over the budget of a hop, and is refused.',
  ),
  'no-budget': warning(
    'A service without a budget',
    'Nothing says which headers its server accepts, so nobody can say whether its tokens arrive. Name its `headers` profile, once for all under `defaults`.',
  ),
  'signing-not-known': warning(
    'A signature that stock verifiers do not know',
    'Ed25519 is the name that RFC 9864 gives to EdDSA over this curve. Waybill and few others read it; Envoy, Istio and most JWT libraries refuse the token. It is said where a service reads plain JWTs (`accepts: jwt`), or where Envoy is its server or stands before it. ES256 passes everywhere; `EdDSA` is the older name of the same signature, which more libraries take. If Waybill alone verifies there, accept the finding.',
  ),
  'ambiguous-default': warning(
    'Default scopes of several services',
    'A tree has one entry. A request without `scope` asks for the default scopes, and these belong to several services: it must name a `resource` (RFC 8707), else it is refused.',
  ),
  'ignored-scope': error(
    'A scope that is both ignored and granted',
    'What `ignore_scopes` names is dropped from every request before anything else is looked at. A scope of that name, which a client may call, could never be asked for, and nobody would be told.',
  ),
  // what was accepted
  'unknown-code': error(
    'An unknown code',
    '`accepted` names a code that no finding has. `waybill explain` lists all codes.',
  ),
  'accepted-error': error(
    'An error cannot be accepted',
    'Only warnings can be accepted. An error says that something does not work or gives authority away to the outside; the change that brings it must not be able to silence it as well.',
  ),
  'unused-acceptance': warning(
    'An acceptance of nothing',
    'A finding with this code is not there (any more), or it is at another place. An acceptance that lies about would silence the finding when it comes back for another reason.',
  ),
  'assertion-failed': error(
    'A test of the graph does not hold',
    'A test beside the graph, in a file that ends in .test.yaml, says what must hold, and the graph contradicts it. The further place is the call that brings it about. `never`, `only` and `reads` take every condition as true, so they may fail for a request that no user can make, and never pass for one that someone can.',
  ),
  'too-many-findings': warning(
    'More findings than are shown',
    'The first thousand errors and the first thousand warnings are shown, each for one cause, and of each kind at most 10,000 further places. Mend those and check again.',
  ),
} satisfies Record<string, Explanation>;

/** A stable name for one kind of finding; `waybill explain CODE` says more about it. */
export type FindingCode = keyof typeof explanations;
