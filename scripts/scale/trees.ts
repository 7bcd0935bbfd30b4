/** Graphs whose one client's request means one large tree: of 100 calls, or as many as one shape can have. */

/** The caller of each call's callee; service 0 is the root, and service `n` is what call `n` leads to. */
export type Parents = readonly number[];

const CALLS = 100;
/** No tree may be deeper than 64 tokens. */
const CHAIN = 63;

export const SHAPES: ReadonlyMap<string, Parents> = new Map([
  ['star', parents(CALLS, () => 0)],
  ['chain', parents(CHAIN, (call) => call - 1)],
  ['comb', parents(CALLS, (call) => Math.max(0, call % 2 === 1 ? call - 2 : call - 1))],
  ['binary', parents(CALLS, (call) => Math.floor((call - 1) / 2))],
  ['ternary', parents(CALLS, (call) => Math.floor((call - 1) / 3))],
  ['ten by nine', parents(CALLS, (call) => (call <= 10 ? 0 : 1 + Math.floor((call - 11) / 9)))],
  ...[1, 2, 3].map((seed) => [`random ${seed}`, randomParents(seed)] as const),
  ...[4, 5].map((seed) => [`deep ${seed}`, randomParents(seed, 4)] as const),
]);

function parents(calls: number, of: (call: number) => number): Parents {
  return [-1, ...Array.from({ length: calls }, (_, at) => of(at + 1))];
}

/** @param among of so many earlier services the caller is one. Default: all. */
function randomParents(seed: number, among = CALLS): Parents {
  const random = randomOf(seed);
  return parents(CALLS, (call) => call - 1 - random(Math.min(among, call)));
}

/** Numerical Recipes' generator. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export interface TreeOptions {
  readonly encoding: 'nested' | 'packed';
  /** Whether all calls are made each time, or each as often as no other. */
  readonly probabilities: 'equal' | 'different';
  /** Bytes of the largest token that passes any hop. */
  readonly room: number;
}

/** @returns the graph as JSON, which is YAML. */
export function treeGraph(tree: Parents, { encoding, probabilities, room }: TreeOptions): string {
  const nameOf = (service: number): string => `service-${service}`;
  const callsOf = (caller: number): [string, object][] =>
    tree.flatMap((parent, callee): [string, object][] => {
      if (parent !== caller) return [];
      // 41 has no divisor with 101: no two are the same.
      const probability = probabilities === 'equal' ? 1 : ((callee * 41) % 101) / 101;
      return [[nameOf(callee), { scopes: ['read'], probability }]];
    });
  const services = tree.map((_, service) => [
    nameOf(service),
    {
      auth: { method: 'client_secret_basic', secret_env: `SECRET_${service}` },
      scopes: {
        read: {
          // The user's claims are asked for here and there, so that a caller keeps them for what is fetched.
          claims: ['tier', ...(service % 3 === 0 ? ['email'] : []), ...(service % 7 === 0 ? ['plan'] : [])],
          calls: Object.fromEntries(callsOf(service)),
        },
      },
    },
  ]);
  return JSON.stringify({
    waybill: 1,
    name: 'tree',
    issuer: {
      ...{ url: 'https://tokens.example', overflow: 'exchange', encoding },
      limits: { tokens: 128, depth: 64 },
    },
    subjects: {
      login: { issuer: 'https://login.example', audience: 'app', jwks_uri: 'https://login.example/jwks' },
    },
    claims: {
      tier: { from: 'client', max_bytes: 16 },
      email: { from: 'subject', max_bytes: 40 },
      plan: { from: 'subject', path: 'account.plan', max_bytes: 20 },
    },
    defaults: {
      audience: 'https://{name}.corp.example',
      identity: 'spiffe://corp.example/{name}',
      headers: { max_line: room + 'Authorization: Bearer \r\n'.length },
    },
    clients: {
      web: {
        ...{ auth: { method: 'client_secret_basic', secret_env: 'WEB' }, grants: ['token_exchange'] },
        ...{ subjects: ['login'], claims: { tier: 'gold' }, calls: { [nameOf(0)]: ['read'] } },
      },
    },
    services: Object.fromEntries(services) as object,
  });
}
