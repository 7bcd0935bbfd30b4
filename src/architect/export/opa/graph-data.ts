/** What the policies read: `data.waybill.graph`. */
import type { Plan } from '../../../graph/index.ts';
import type { InboundOperation, InboundRule } from '../inbound.ts';
import {
  answeredMethods,
  exactExpression,
  looseExpression,
  type HttpOperation,
} from '../operations/index.ts';
import type { GraphModel, ServiceModel } from '../service-model.ts';

export function graphData(plan: Plan, { services }: GraphModel, gateways: readonly string[]): object {
  const { url, limits } = plan.issuer;
  return {
    name: plan.name,
    issuer: url,
    largest_token: limits.nested,
    gateways,
    services: Object.fromEntries(
      Array.from(services, ([name, service]) => [name, serviceData(plan, service)]),
    ) as object,
  };
}

function serviceData(
  plan: Plan,
  { name, audience, audiences, identities, caller, inbound }: ServiceModel,
): object {
  const scopes = inbound.map((rule) => [
    rule.scope,
    scopeData(rule, plan.services.get(name)?.scopes.get(rule.scope)?.operations ?? []),
  ]);
  return {
    audience,
    ...(audiences.length > 1 ? { audiences } : {}),
    identity: identities[0],
    ...(identities.length > 1 ? { identities } : {}),
    caller,
    scopes: Object.fromEntries(scopes) as object,
  };
}

/** @param operations as the graph writes them: some are not HTTP, and have only a name. */
function scopeData({ callers, operations: requests }: InboundRule, operations: readonly string[]): object {
  // Whoever passes a token on (`mode: forward`) is not named in it, and its callee checks no caller (rule 7).
  const presenters = callers.flatMap((caller) => (caller.kind === 'service' ? caller.identities : []));
  const clients = callers.flatMap((caller) => (caller.kind === 'client' ? [caller.name] : []));
  return {
    presenters: [...new Set(presenters)],
    clients: [...new Set(clients)],
    operations,
    requests: requests.map(requestData),
  };
}

/** An empty list of methods is any. */
function requestData({ method, path, except }: InboundOperation): object {
  return {
    methods: method === undefined ? [] : [method],
    path: `^${exactExpression(path)}$`,
    except: except.map(spellings),
  };
}

function spellings({ method, path }: HttpOperation): object {
  const methods = method === undefined ? [] : answeredMethods(method);
  return { methods, path: `^${looseExpression(path)}$` };
}
