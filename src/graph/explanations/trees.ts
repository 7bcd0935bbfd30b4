/** What is found of claims, calls and the trees that they lead to. */
import { error, warning, type Explanation } from './explanation.ts';

export const ofTrees = {
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
