/** The issuer's URL, the audiences and identities of services, and how parties authenticate. */
import type { AuthDeclaration, GraphDeclaration } from '../declare/declaration.ts';
import type { Findings, Place } from '../finding.ts';

export function checkParties(graph: GraphDeclaration, findings: Findings): void {
  if (!graph.issuer) {
    findings.add(
      'missing-key',
      graph.start,
      'No file of this graph has an `issuer`.',
      'Add `issuer: { url: https://tokens.example }`.',
    );
  } else if (graph.issuer.url.value !== '') {
    checkIssuerUrl(graph.issuer.url.value, graph.issuer.url, findings); // the schema asks for one
  }
  checkUnique('audience', graph, findings);
  checkUnique('identity', graph, findings);
  for (const client of graph.clients.values()) if (client.auth) checkAuth(client.name, client.auth, findings);
  for (const service of graph.services.values()) {
    if (service.auth) checkAuth(service.name, service.auth, findings);
    checkAudience(service.audience.value, service.audience, findings);
  }
}

/** RFC 8414 section 2: https, no query, no fragment. Plain http is for loopback alone. */
function checkIssuerUrl(text: string, at: Place, findings: Findings): void {
  const refuse = (
    message: string,
    hint = 'For example https://tokens.boutique.example, or http://127.0.0.1:8080 on one machine.',
  ) => findings.add('issuer-url', at, message, hint);
  const fault = urlFault(text);
  if (fault) return void refuse(`The issuer's URL ${text} ${fault}.`);
  const written = new URL(text).href.replace(/\/+$/, '');
  if (text.endsWith('/')) {
    refuse(
      `The issuer's URL ${text} ends with a slash; \`iss\` is compared letter by letter.`,
      `Write ${written}.`,
    );
  } else if (text !== written) {
    refuse(
      `The issuer's URL ${text} is not in the form in which programs send it on; \`iss\` is compared letter by letter.`,
      `Write ${written}.`,
    );
  }
}

/** What makes an issuer's URL unfit, as the end of a sentence. */
export function urlFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) return 'is not a URL';
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    return 'is neither https nor http on loopback';
  }
  const extra =
    url.search || url.hash || text.endsWith('?') || text.endsWith('#') || url.username || url.password;
  return extra ? 'has a query, a fragment or a user name (RFC 8414 section 2)' : undefined;
}

/** `aud` may be any text, but one that looks like a URL is matched against requests and named as `resource` (RFC 8707). */
function checkAudience(text: string, at: Place, findings: Findings): void {
  if (text === '') return; // the schema says so
  if (/\s/.test(text) || (text.includes('://') && !URL.canParse(text)) || text.includes('#')) {
    findings.add(
      'invalid-value',
      at,
      `The audience ${JSON.stringify(text)} is neither a name nor an absolute URI without a fragment.`,
      'For example https://payment.boutique.example.',
    );
  }
}

/** Two services with one audience could take each other's tokens; with one identity, present them. */
function checkUnique(key: 'audience' | 'identity', graph: GraphDeclaration, findings: Findings): void {
  const owners = new Map<string, string>();
  const told = new Set<string>(); // what stands in `defaults` is said once, not for every service
  for (const service of graph.services.values()) {
    const { value, ...at } = service[key];
    const owner = owners.get(value);
    if (owner === undefined) owners.set(value, service.name);
    else if (!told.has(`${at.source.file}:${at.offset}`)) {
      told.add(`${at.source.file}:${at.offset}`);
      findings.add(
        key === 'audience' ? 'duplicate-audience' : 'duplicate-identity',
        at,
        `${owner} and ${service.name} have the same ${key} ${value}.`,
        `Give each its own; in \`defaults\`, {name} stands for the service's name.`,
      );
    }
  }
}

function checkAuth(name: string, auth: AuthDeclaration, findings: Findings): void {
  const given = [auth.secretEnv, auth.secretFile].filter((source) => source !== undefined).length;
  if (!auth.method.value.startsWith('client_secret') || given === 1) return;
  const message =
    given === 0
      ? `${name} authenticates with a secret, and nothing says where it is.`
      : `${name} has both \`secret_env\` and \`secret_file\`.`;
  findings.add('secret-source', auth, message, 'Give one of `secret_env: NAME` and `secret_file: PATH`.');
}
