/** An issuer of a graph with calls that end: each request is answered from the plan of its day, without a reload. */
import type { Clock } from '../clock.ts';
import { firstEnd, planOfDay, type ClientPlan, type Plan } from '../graph/index.ts';
import type { Party } from './client-authentication/parties.ts';
import type { Issuer } from './issuer-interface.ts';

/**
 * @param issuerOf makes the issuer of one plan; it is made anew when a call ends.
 * @returns that issuer itself where no call ends.
 */
export function issuerOfDay(plan: Plan, clock: Clock, issuerOf: (plan: Plan) => Issuer): Issuer {
  let issuer = issuerOf(planOfDay(plan, clock()));
  if (firstEnd(issuer.plan) === Infinity) return issuer;
  const today = (): Issuer => {
    const planNow = planOfDay(issuer.plan, clock());
    if (planNow !== issuer.plan) issuer = issuerOf(planNow);
    return issuer;
  };
  return {
    get plan() {
      return today().plan;
    },
    jwks: issuer.jwks,
    authenticate: (credentials, address) => today().authenticate(credentials, address),
    issue: (client, request) => today().issue(clientIn(issuer.plan, client), request),
    issueFor: (client, subject, request) => today().issueFor(clientIn(issuer.plan, client), subject, request),
    exchange: (service, request) =>
      today().exchange(issuer.plan.services.get(service.name) ?? service, request),
    introspect: (party, request) => today().introspect(partyIn(issuer.plan, party), request),
    signIntrospection: (party, introspection) => today().signIntrospection(party, introspection),
    revoke: (party, token) => today().revoke(partyIn(issuer.plan, party), token),
    ready: () => today().ready(),
    withKeys: (keys) => today().withKeys(keys),
    store: () => today().store(),
  };
}

/** A client may have authenticated before a call ended. The plan of the new day has all clients and services. */
function clientIn({ clients }: Plan, client: ClientPlan): ClientPlan {
  return clients.get(client.name) ?? client;
}

function partyIn(plan: Plan, party: Party): Party {
  if (party.kind === 'client') return { kind: 'client', client: clientIn(plan, party.client) };
  return { kind: 'service', service: plan.services.get(party.service.name) ?? party.service };
}
