/** Random requests to a service of a random graph: mostly right, often with one thing wrong. */
import { graphModel } from '../../../../src/architect/export/service-model.ts';
import type { Json, Signer } from '../../../support/keys/signer.ts';
import type { ExportedService } from './grants.ts';
import { pick, type Random } from './random-graph.ts';

export interface RandomRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly token: string;
}

export interface Signers {
  readonly own: Signer;
  /** Not the issuer's. */
  readonly foreign: Signer;
}

export async function randomRequest(
  random: Random,
  { plan, name }: ExportedService,
  { own, foreign }: Signers,
): Promise<RandomRequest> {
  const model = graphModel(plan).services.get(name)!;
  const service = plan.services.get(name)!;
  const rules = model.inbound;
  const rule = rules.length > 0 ? pick(random, rules) : undefined;
  const caller = rule && pick(random, rule.callers);
  const now = Math.floor(Date.now() / 1000);
  const others = [...service.scopes.keys()].filter(() => random(3) === 0);
  const scopes = [...new Set([...(rule ? [rule.scope] : []), ...others])];
  const payload: Json = {
    iss: plan.issuer.url,
    aud: model.audience,
    sub: 'user',
    client_id: caller?.kind === 'client' ? caller.name : 'web',
    scope: scopes.join(' '),
    iat: now - 5,
    exp: now + 600,
    jti: 'T.0',
    txn: 'T',
    ...(caller?.kind === 'service' ? { act: { sub: caller.identities[0] } } : {}),
  };
  const children: Record<string, string> = {};
  for (const callee of model.outbound) {
    if (random(4) === 0) continue;
    const { act: _, ...rest } = payload;
    const child = { ...rest, aud: callee.audience, act: { sub: model.identities[0] } };
    children[callee.name] = await own.sign(child);
  }
  if (Object.keys(children).length > 0) payload['embedded'] = children;
  const change = random(100) < 30 ? pick(random, CHANGES) : undefined;
  const changed = change?.(payload, random) ?? {};
  const signer = random(40) === 0 ? foreign : own;
  const token = await signer.sign(
    JSON.parse(JSON.stringify({ ...payload, ...changed.payload })) as Json,
    changed.header,
  );
  const operations = rule?.operations ?? [];
  const operation = operations.length > 0 ? pick(random, operations).text : 'GET /a';
  const [method = '', pattern = ''] = operation.split(' ');
  const address = pattern
    .replaceAll('{x:int}', () => String(random(50)))
    .replaceAll(/\{x\}|\*/g, () => pick(random, WORDS));
  return {
    method: random(12) === 0 || method === 'ANY' ? pick(random, ['GET', 'POST', 'DELETE', 'HEAD']) : method,
    url: random(100) < 25 ? pick(random, SPELLINGS)(address, random) : address,
    headers: { host: 'x', ...headersFor(token, random) },
    token,
  };
}

const WORDS = ['a', 'b', 'new', '7', '42', 'x-y', 'q%20r', '%C3%A9'];

type Change = (payload: Json, random: Random) => { readonly payload?: Json; readonly header?: Json };

const CHANGES: readonly Change[] = [
  () => ({ payload: { aud: 'https://elsewhere.example' } }),
  ({ aud }) => ({ payload: { aud: ['https://elsewhere.example', aud] } }),
  () => ({ payload: { aud: [] } }),
  () => ({ payload: { iss: 'https://elsewhere.example' } }),
  ({ iat }) => ({ payload: { exp: (iat as number) - 100 } }),
  ({ iat }) => ({ payload: { nbf: (iat as number) + 300 } }),
  () => ({ payload: { scope: undefined } }),
  () => ({ payload: { scope: 'do:0' } }),
  () => ({ payload: { scope: 'do:00 ado:0' } }),
  () => ({ payload: { act: undefined } }),
  () => ({ payload: { act: { sub: 'spiffe://elsewhere.example/x' } } }),
  () => ({ payload: { act: 'do' } }),
  () => ({ payload: { act: {} } }),
  (_, random) => ({ payload: { act: pick(random, [null, '']) } }),
  (_, random) => ({ payload: { cnf: pick(random, [null, '']) } }),
  ({ act }) => ({ payload: { act: { ...(act as object | undefined), sub: 'web' } } }),
  () => ({ payload: { client_id: 'nobody' } }),
  () => ({ payload: { client_id: 'app' } }),
  () => ({ payload: { cnf: { jkt: 'x' } } }),
  () => ({ header: { typ: 'JWT' } }),
  () => ({ header: { typ: 'token-introspection+jwt' } }),
  () => ({ header: { kid: 'unknown' } }),
];

type Spelling = (address: string, random: Random) => string;

const SPELLINGS: readonly Spelling[] = [
  (address) => `${address}/`,
  (address) => `/${address}`,
  (address) => address.toUpperCase(),
  (address) => `${address}?access_token=x`,
  (address) => `${address};v=1`,
  (address) => `${address}/more`,
  (address) => `/x/..${address}`,
  (address) => `/x/%2e%2e${address}`,
  (address) => `/x/..;${address}`,
  (address) => `/x/..%2f${address.slice(1)}`,
  (address) => address.replaceAll('/', '/./'),
  (address) => address.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (address) => address.replace(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (address) => address.replace(/(?<=.)\//, '//'),
  (address) => address.replace(/(?<=.)\//, '%2F'),
  (address) => address.replace(/[a-z]/, (letter) => `%25${letter.charCodeAt(0).toString(16)}`),
];

function headersFor(token: string, random: Random): Readonly<Record<string, string | string[]>> {
  switch (random(30)) {
    case 0:
      return {};
    case 1:
      return { authorization: [`Bearer ${token}`, `Bearer ${token}`] };
    case 2:
      return { authorization: `DPoP ${token}` };
    case 3:
      return { authorization: `Bearer ${token.slice(0, -6)}AAAAAA` };
    case 4:
      return { authorization: `Bearer ${token}`, 'x-waybill-act': 'admin' };
    default:
      return { authorization: `Bearer ${token}` };
  }
}
