/** The issuer's URL, the audiences and identities of services, and how parties authenticate. */
import { parseUrl } from '../../input/url.ts';
import { looksLikeSpiffeId, parseSpiffeId } from '../../identity/index.ts';
import type { At, ClientDeclaration, GraphDeclaration, IssuerDeclaration } from '../declare/declaration.ts';
import { causeOfParties, partyNames } from '../causes.ts';
import type { Findings, Place } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { checkAuth, checkSharedCredentials, type TrustDomains } from './authentication.ts';
import { checkPlaceholders, isUnfilled } from './placeholders.ts';
import { isLoopback, urlFault } from './url.ts';

/** @param allowsHttp whether the issuer may be at an http URL that is not on loopback. */
export function checkParties(graph: GraphDeclaration, allowsHttp: boolean, findings: Findings): void {
  if (!graph.issuer) {
    findings.add(
      'missing-key',
      graph.start,
      'No file of this graph has an `issuer`.',
      'Add `issuer: { url: https://tokens.example }`.',
      ['/issuer'],
    );
  } else if (graph.issuer.url.value !== '') {
    checkIssuerUrl(graph.issuer.url.value, graph.issuer.url, allowsHttp, findings); // the schema asks for one
  }
  if (graph.issuer) checkReuse(graph.issuer, findings);
  checkUnique('audience', 'audiences', graph, findings);
  checkUnique('identity', 'identities', graph, findings);
  checkIdentityNames(graph, findings);
  checkPlaceholders(graph, findings);
  const domains: TrustDomains = new Map();
  for (const client of graph.clients.values()) {
    checkHasAuth(client, findings);
    if (client.auth) checkAuth(client, pointerTo('clients', client.name), client.auth, domains, findings);
    checkBindings(client, findings);
  }
  for (const service of graph.services.values()) {
    if (service.auth && !service.unfilled.some(({ key }) => key.startsWith('auth.')))
      checkAuth(service, pointerTo('services', service.name), service.auth, domains, findings);
    for (const audience of service.audiences)
      if (!isUnfilled(service.unfilled, audience)) checkAudience(audience, findings);
  }
  checkSharedCredentials([...graph.services.values()], findings);
  checkIdentities(graph, findings);
}

/** The schema asks for `auth`; `none` is for services, which have one only to fetch tokens. */
function checkHasAuth({ name, auth, ...at }: ClientDeclaration, findings: Findings): void {
  if (auth) return;
  findings.add(
    'invalid-value',
    at,
    `The client ${name} does not authenticate: its \`auth\` is none.`,
    'Give it an `auth` with a `method`.',
    [pointerTo('clients', name)],
  );
}

/** A token would name a presenter that no certificate can be. What stands in `defaults` is said once. */
function checkIdentities(graph: GraphDeclaration, findings: Findings): void {
  const told = new Set<string>();
  const all = [...graph.services.values()].flatMap(({ identities, unfilled }) =>
    identities.filter((identity) => !isUnfilled(unfilled, identity)),
  );
  for (const identity of all) {
    const place = `${identity.source.file}:${identity.offset}`;
    const { value } = identity;
    if (!looksLikeSpiffeId(value) || parseSpiffeId(value) || told.has(place)) continue;
    told.add(place);
    findings.add(
      'invalid-value',
      identity,
      `The identity ${value} is not the SPIFFE ID of a workload.`,
      'For example spiffe://boutique.example/checkout: the trust domain in lower case, and a path (SPIFFE-ID section 2).',
    );
  }
}

/** A token is bound to one key (`cnf`), so that who checks it need not ask which of two counts. */
function checkBindings({ name, bindings }: ClientDeclaration, findings: Findings): void {
  const [, second] = bindings;
  if (!second) return;
  findings.add(
    'bound-twice',
    second,
    `The tokens of ${name} would be bound to a certificate and to a DPoP key at once.`,
    'Keep one of `tls_client_certificate_bound_access_tokens` and `dpop_bound_access_tokens`.',
    [],
    causeOfParties(
      'bound',
      name,
      (names) => `The tokens of ${names} would be bound to a certificate and to a DPoP key at once.`,
    ),
  );
}

/** RFC 8414 section 2: https, no query, no fragment. Plain http is for loopback, and for meshes that encrypt it themselves. */
function checkIssuerUrl(text: string, at: Place, allowsHttp: boolean, findings: Findings): void {
  const refuse = (
    message: string,
    hint = 'For example https://tokens.boutique.example, or http://127.0.0.1:8080 on one machine. Inside a mesh that encrypts, http needs --allow-http-issuer.',
  ) => findings.add('issuer-url', at, message, hint);
  const fault = urlFault(text, allowsHttp);
  if (fault) return void refuse(`The issuer's URL ${text} ${fault}.`);
  const url = new URL(text);
  if (url.protocol === 'http:' && !isLoopback(url))
    findings.add(
      'http-issuer',
      at,
      `Tokens and secrets of clients travel to ${url.host} as plain text.`,
      'Let only a mesh whose proxies speak mutual TLS lead there (in Istio: PeerAuthentication STRICT), or use https.',
    );
  const written = new URL(text).href.replace(/(?<!\/)\/+$/, '');
  if (text.endsWith('/')) {
    refuse(`The issuer's URL ${text} ends with a slash; \`iss\` is compared as text.`, `Write ${written}.`);
  } else if (text !== written) {
    refuse(
      `The issuer's URL ${text} is not in the form in which programs send it on; \`iss\` is compared as text.`,
      `Write ${written}.`,
    );
  }
}

/** The last to be given a tree is to have most of its life before it. */
function checkReuse({ reuse, lifetime }: IssuerDeclaration, findings: Findings): void {
  if (!reuse || reuse.value * 4 <= lifetime) return;
  const most = Math.floor(lifetime / 4);
  findings.add(
    'reuse-too-long',
    reuse,
    `\`reuse\` is ${reuse.value} s, more than a quarter of \`lifetime\`, which is ${lifetime} s.`,
    most > 0
      ? `Write \`reuse: ${most}s\` or less, or a longer \`lifetime\`.`
      : 'Take it out, or write a longer `lifetime`.',
    ['/issuer'],
  );
}

/** `aud` may be any text, but one that looks like a URL is matched against requests and named as `resource` (RFC 8707). */
function checkAudience({ value: text, ...at }: At<string>, findings: Findings): void {
  if (text === '') return; // reported as such
  if (/\s/.test(text) || (text.includes('://') && parseUrl(text) === undefined) || text.includes('#')) {
    findings.add(
      'invalid-value',
      at,
      `The audience ${JSON.stringify(text)} is neither a name nor an absolute URI without a fragment.`,
      'For example https://payment.boutique.example.',
    );
  }
}

/** An identity stands beside names of clients and services in the chain of a token: there it must mean one party. */
function checkIdentityNames({ clients, services }: GraphDeclaration, findings: Findings): void {
  for (const { name, identities } of services.values()) {
    for (const identity of identities) {
      const { value } = identity;
      if (value === name && !clients.has(value)) continue;
      const other = clients.has(value) ? 'client' : services.has(value) ? 'service' : undefined;
      if (other === undefined) continue;
      findings.add(
        'duplicate-identity',
        identity,
        `The identity of ${name}, ${value}, is the name of the ${other} ${value}: in the chain of a token they would be one party.`,
        `Give ${name} an identity that no other party has as its name, such as a SPIFFE ID, or rename one of them.`,
      );
    }
  }
}

/**
 * The address that a middleware compares with those of requests: a slash at the end, a default port and the case of the host make
 * no other one. What is no address is compared as it is.
 */
function comparableAudience(text: string): string {
  const url = parseUrl(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return text;
  return `${url.origin}${url.pathname.replace(/\/$/, '')}${url.search}`;
}

/** Two services with one audience could take each other's tokens; with one identity, present them. */
function checkUnique(
  key: 'audience' | 'identity',
  list: 'audiences' | 'identities',
  graph: GraphDeclaration,
  findings: Findings,
): void {
  const owners = new Map<string, string>();
  const told = new Set<string>(); // what stands in `defaults` is said once, not for every service
  const all = [...graph.services.values()].flatMap(({ name, [list]: names }) =>
    names.map((at) => ({ name, at })),
  );
  for (const { name, at } of all) {
    const { value } = at;
    const compared = key === 'audience' ? comparableAudience(value) : value;
    const owner = owners.get(compared);
    if (owner === undefined) owners.set(compared, name);
    else if (owner === name)
      findings.add(
        key === 'audience' ? 'duplicate-audience' : 'duplicate-identity',
        at,
        `${name} has the ${key} ${value} twice.`,
        'Take one of them out.',
      );
    else if (!told.has(`${at.source.file}:${at.offset}`)) {
      told.add(`${at.source.file}:${at.offset}`);
      findings.add(
        key === 'audience' ? 'duplicate-audience' : 'duplicate-identity',
        at,
        `${owner} and ${name} have the same ${key} ${value}.`,
        `Give each its own; in \`defaults\`, {name} stands for the service's name.`,
        [],
        {
          key: `${key} ${value}`,
          part: name,
          words: (names) => ({
            message: `${partyNames([owner, ...names])} have the same ${key} ${value}.`,
          }),
        },
      );
    }
  }
}
