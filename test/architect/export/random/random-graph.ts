/** Random graphs of a few services, with operations that overlap. */
export type Random = (below: number) => number;

export const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[random(values.length)]!;

const SEGMENTS = ['a', 'b', 'new', '{x}', '{x:int}'];

function randomOperation(random: Random): string {
  const method = pick(random, ['GET', 'POST', 'ANY', 'GET']);
  const segments = Array.from({ length: 1 + random(3) }, () => pick(random, SEGMENTS));
  if (random(6) === 0) segments.push('*');
  return `${method} /${segments.join('/')}`;
}

/** Services call only those after them, so there is no cycle. */
export function randomGraph(
  random: Random,
  number: number,
  issuer: string,
  caller: 'none' | 'mtls' = 'none',
): string {
  const names = Array.from(
    { length: 2 + random(3) },
    (_, at) => pick(random, ['s', 'a.b', 'c-d_', 'v1.x']) + at,
  );
  const scopesOf = new Map(
    names.map((name) => [name, Array.from({ length: 1 + random(3) }, (_, at) => `do:${at}`)]),
  );
  const some = (name: string): string[] => {
    const all = scopesOf.get(name)!;
    const chosen = all.filter(() => random(2) === 0);
    return chosen.length > 0 ? chosen : [all[0]!];
  };
  const services = names.map((name, at) => {
    const below = names.slice(at + 1);
    const scopes = scopesOf.get(name)!.map((scope) => {
      const operations = Array.from({ length: random(8) === 0 ? 0 : 1 + random(3) }, () =>
        randomOperation(random),
      );
      const calls = below.filter(() => random(2) === 0).map((callee) => [callee, some(callee)]);
      return [scope, { operations, calls: Object.fromEntries(calls) as object }];
    });
    return [name, { scopes: Object.fromEntries(scopes) as object }];
  });
  const clients = ['web', 'app'].map((name) => [
    name,
    {
      auth: { method: 'client_secret_basic', secret_env: 'S' },
      calls: { [names[0]!]: some(names[0]!), ...(random(2) === 0 ? { [names[1]!]: some(names[1]!) } : {}) },
    },
  ]);
  return JSON.stringify({
    waybill: 1,
    name: `random-${number}`,
    issuer: { url: issuer },
    defaults: {
      audience: `https://{name}.g${number}.example`,
      identity: `spiffe://g${number}.example/{name}`,
      headers: { max_total: 262_144 },
      caller,
    },
    clients: Object.fromEntries(clients) as object,
    services: Object.fromEntries(services) as object,
  });
}
