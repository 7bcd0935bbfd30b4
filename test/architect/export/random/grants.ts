/** What the graph grants to a token, by a router of its own and not by the code of the export. */
import type { ExportNote, NoteCode } from '../../../../src/architect/export/notes.ts';
import type { CallPlan, Plan } from '../../../../src/graph/index.ts';
import type { RequestContext } from '../../../../src/middleware/index.ts';
import type { RandomRequest } from './random-requests.ts';
import { leniently, routeOf, scopesNeeded, strictly, type Reading } from './reference-router.ts';

export interface ExportedService {
  readonly plan: Plan;
  readonly name: string;
  readonly notes: readonly ExportNote[];
}

/** What is compared of a verified token. */
export type Verified = Pick<RequestContext, 'scopes' | 'claims'>;

export const isGranted = (...asked: Parameters<typeof grants>): boolean => {
  const routes = grants(...asked);
  return routes.length > 0 && routes.every(Boolean);
};

/** A request without a route is answered 404. */
export const isDenied = (...asked: Parameters<typeof grants>): boolean => grants(...asked).includes(false);

/** For each route that may answer, whether the token has a scope for it from a caller of the graph. */
function grants(
  service: ExportedService,
  token: Verified,
  reading: Reading,
  method: string,
  url: string,
): readonly boolean[] {
  const { plan, name } = service;
  return scopesFor(service, reading, method, url).map((scopes) =>
    scopes.some((scope) => token.scopes.includes(scope) && isGivenTo(plan, name, scope, token)),
  );
}

/** For each route that may answer, the scopes that name it. */
export function scopesFor({ plan, name }: ExportedService, reading: Reading, method: string, url: string) {
  const routes = [...plan.services.get(name)!.scopes.values()].flatMap((scope) =>
    scope.operations.map((operation) => routeOf(scope.name, operation)),
  );
  const [pathname = ''] = url.split('?');
  return scopesNeeded(routes, method, reading(pathname));
}

/** Whether the graph gives the scope to the token's presenter. */
function isGivenTo(plan: Plan, callee: string, scope: string, { claims }: Verified): boolean {
  const { act, client_id } = claims as { act?: { sub: string }; client_id: string };
  const names = (call: CallPlan) => call.callee === callee && call.scopes.some((one) => one.name === scope);
  if (!act) return plan.clients.get(client_id)?.calls.some(names) ?? false;
  return [...plan.services.values()].some(
    ({ identity, calls, scopes }) =>
      identity === act.sub && [...calls, ...[...scopes.values()].flatMap((one) => one.calls)].some(names),
  );
}

/** Why a proxy may refuse what is granted. */
export function whyNot(
  service: ExportedService,
  { method, url }: Pick<RandomRequest, 'method' | 'url'>,
): string | undefined {
  const strict = scopesFor(service, strictly, method, url);
  if (strict.length > 1) return noted(service, 'operations-overlap');
  const lenient = scopesFor(service, leniently, method, url);
  if (lenient.length > 0 && String(lenient) !== String(strict))
    return 'the spelling of a path of another scope';
  if (method === 'HEAD' && String(scopesFor(service, leniently, 'GET', url)) !== String(strict))
    return 'HEAD of what another scope gets';
  if (/%2f|%5c|%25|;|\/\/|%2e|\/\.{1,2}(?:\/|$)/i.test(url)) return 'an ambiguous path';
  return undefined;
}

/** @returns the code, where the export noted it for the service or for all. */
export function noted({ name, notes }: ExportedService, code: NoteCode): string | undefined {
  return notes.some((note) => note.code === code && (note.service ?? name) === name) ? code : undefined;
}
