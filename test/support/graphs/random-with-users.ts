/**
 * A random graph whose clients have users: two claims come from them, one from the client, one is fixed. Or two come from
 * the request, in place of one of each.
 */
import fc from 'fast-check';
import { load } from 'js-yaml';
import { audienceOf, identityOf, type RawCalls, type RawGraph } from './naive.ts';

export const PROVIDER = 'https://login.test';

export interface UserGraphParts {
  /** `caller → callee` of calls that are embedded here, whatever the graph says. */
  readonly embedded?: ReadonlySet<string>;
  /** Seconds, by service; by scope where there is a colon in the name. */
  readonly lifetimes?: Readonly<Record<string, number>>;
  /** Whether services have several identities, and several audiences where no token is forwarded. Default: no. */
  readonly severalNames?: boolean;
  /** Whether `tier` and `plan` are claims of the request. Default: of the client and of the user. */
  readonly ofRequest?: boolean;
  /** Whether calls and scopes wait for conditions, of which some hold. Default: no. */
  readonly conditional?: boolean;
}

/** On what users of the random graph differ in: some hold for each, others for some, and one for none without a new login. */
const CONDITIONS = [
  'subject.email.contains("a")',
  'size(subject.email) > 6',
  'has(subject.email) && client.none != "x" || provider == "login"',
  'auth.acr == "mfa" || subject.email < "m"',
  '!(subject.email.startsWith("b"))',
];

/** A condition by name, so that a graph has the same one each time. */
function conditionFor(name: string): { readonly when?: string } {
  const sum = [...name].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return sum % 2 === 0 ? { when: CONDITIONS[sum % CONDITIONS.length]! } : {};
}

export type GraphLineage = 'caller' | 'full' | 'cut';

/** What tokens of a graph say of their callers: with `cut`, one service in the middle learns of its caller alone. */
export const lineages = fc.constantFrom<GraphLineage>('caller', 'full', 'cut');

/** @param document a graph as YAML. @returns it as JSON. */
export function withLineage(document: string, lineage: GraphLineage): string {
  if (lineage === 'caller') return document;
  const graph = load(document) as { issuer: object; services: Record<string, object> };
  Object.assign(graph.issuer, { lineage: 'full' });
  if (lineage === 'cut') Object.assign(graph.services['s1'] ?? {}, { lineage: 'caller' });
  return JSON.stringify(graph);
}

function namesOf(name: string, isForwarding: boolean): object {
  const identity = [identityOf(name), identityOf(`${name}-canary`)];
  return isForwarding ? { identity } : { identity, audience: [audienceOf(name), audienceOf(`old-${name}`)] };
}

/** Whether a service takes part in `mode: forward`, with its own token or that of another. */
function forwards({ acceptsForward, calls, scopes }: RawGraph['services'][string]): boolean {
  const all = [calls, ...Object.values(scopes).map((scope) => scope.calls)].flatMap((raw) =>
    Object.values(raw),
  );
  return acceptsForward.length > 0 || all.some(({ mode }) => mode === 'forward');
}

/** @returns the graph as JSON, which is YAML. */
export function userGraph(
  graph: RawGraph,
  {
    embedded = new Set(),
    lifetimes = {},
    ofRequest = false,
    severalNames = false,
    conditional = false,
  }: UserGraphParts = {},
): string {
  const auth = { method: 'client_secret_basic', secret_env: 'S' };
  const calls = (caller: string, raw: RawCalls) =>
    Object.fromEntries(
      Object.entries(raw).map(([callee, call]) => [
        callee,
        {
          ...call,
          ...(embedded.has(`${caller} → ${callee}`) ? { mode: 'embed' } : {}),
          ...(conditional && call.mode !== 'none' && call.mode !== 'forward'
            ? conditionFor(`${caller} ${callee}`)
            : {}),
        },
      ]),
    );
  // A user may have no plan, so that nobody can insist on one.
  const claims = (names: readonly string[]) => names.map((name) => (name === 'plan!' ? 'plan' : name));
  return JSON.stringify({
    waybill: 1,
    name: 'random',
    issuer: { url: 'http://127.0.0.1:8080', limits: { tokens: 4096, depth: 64, nested: '16MiB' } },
    subjects: { login: { issuer: PROVIDER, audience: 'app', jwks_uri: `${PROVIDER}/jwks` } },
    defaults: {
      audience: audienceOf('{name}'),
      identity: identityOf('{name}'),
      headers: { max_total: '16MiB' },
    },
    claims: {
      tier: ofRequest
        ? { from: 'request', type: 'string', max_bytes: 20 }
        : { from: 'client', max_bytes: 20 },
      region: { value: 'eu' },
      email: { from: 'subject', max_bytes: 40 },
      none: { from: 'client' },
      plan: ofRequest
        ? { from: 'request', type: 'int' }
        : { from: 'subject', path: 'account.plan', max_bytes: 20 },
    },
    clients: Object.fromEntries(
      Object.entries(graph.clients).map(([name, client]) => [
        name,
        {
          auth,
          grants: ['token_exchange'],
          subjects: ['login'],
          ...(ofRequest ? {} : { claims: { tier: `of ${name}` } }),
          calls: calls(name, client.calls),
        },
      ]),
    ),
    services: Object.fromEntries(
      Object.entries(graph.services).map(([name, service]) => [
        name,
        {
          auth,
          ...(lifetimes[name] === undefined ? {} : { lifetime: lifetimes[name] }),
          ...(severalNames ? namesOf(name, forwards(service)) : {}),
          claims: claims(service.claims),
          calls: calls(name, service.calls),
          accepts_forward: service.acceptsForward,
          scopes: Object.fromEntries(
            Object.entries(service.scopes).map(([scope, rule]) => [
              scope,
              {
                ...(lifetimes[`${name}:${scope}`] === undefined
                  ? {}
                  : { lifetime: lifetimes[`${name}:${scope}`] }),
                claims: claims(rule.claims),
                ...(conditional ? conditionFor(`${scope} of ${name}`) : {}),
                calls: calls(name, rule.calls),
              },
            ]),
          ),
        },
      ]),
    ),
  });
}
