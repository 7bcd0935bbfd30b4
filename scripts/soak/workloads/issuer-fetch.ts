/** Answers the middleware's requests in this process with a real issuer, so that no server's memory is counted. */
import type { Issuer, Party, ServicePlan } from 'waybill';
import type { Shop } from '../shop.ts';

export function issuerFetch({ issuer, entry, client }: Shop): typeof globalThis.fetch {
  return async (address, init) => {
    const { pathname } = new URL(address instanceof Request ? address.url : address);
    const form = new URLSearchParams(typeof init?.body === 'string' ? init.body : '');
    if (pathname === '/jwks') return Response.json(issuer.jwks);
    if (pathname === '/token') return exchanged(issuer, entry, form);
    return introspected(issuer, { kind: 'client', client: client('edge') }, form);
  };
}

async function exchanged(issuer: Issuer, service: ServicePlan, form: URLSearchParams): Promise<Response> {
  const request = { audiences: form.getAll('audience'), resources: [], scopes: [] };
  const tree = await issuer.exchange(service, { subjectToken: form.get('subject_token') ?? '', ...request });
  return Response.json({ access_token: tree.token });
}

async function introspected(issuer: Issuer, party: Party, form: URLSearchParams): Promise<Response> {
  const answer = await issuer.introspect(party, { token: form.get('token') ?? '', form: 'token' });
  if (!answer.active || answer.token === undefined) throw new TypeError('a reference was not active');
  return new Response(answer.token, { headers: { 'content-type': 'application/jwt' } });
}
