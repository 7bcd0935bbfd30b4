/** A bundle for the Open Policy Agent: the graph as data, and a policy that judges a token's claims by it. */
import type { Plan, ScopePlan, ServicePlan } from '../../graph/index.ts';
import { accessTo, type Access } from './access.ts';
import { readOperation } from './operation.ts';
import { REGO } from './rego.ts';

export interface OpaBundle {
  /** Text by path in the bundle. */
  readonly files: ReadonlyMap<string, string>;
  /** Scopes that allow nothing: one sentence each. */
  readonly remarks: readonly string[];
}

/** The same plan gives the same files. */
export function opaBundle(plan: Plan): OpaBundle {
  const access = accessTo(plan);
  const services = Array.from(access, ([service, callers]) => [service.name, serviceData(service, callers)]);
  const graph = {
    name: plan.name,
    issuer: plan.issuer.url,
    services: Object.fromEntries(services) as object,
  };
  const manifest = { revision: plan.digest, roots: ['waybill'], rego_version: 1 };
  const remarks = [...access.keys()].flatMap(({ name, scopes }) =>
    [...scopes.values()]
      .filter(({ operations }) => operations.length === 0)
      .map(
        (scope) =>
          `${name}:${scope.name} has no operations, so no call to it is allowed. Add \`operations\`.`,
      ),
  );
  return {
    files: new Map([
      ['.manifest', json(manifest)],
      ['data.json', json({ waybill: { graph } })],
      ['policy.rego', REGO],
    ]),
    remarks,
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function serviceData(service: ServicePlan, access: readonly Access[]): object {
  const { audience, identity, caller, scopes } = service;
  const data = Array.from(scopes.values(), (scope) => [scope.name, scopeData(scope, access)]);
  return { audience, identity, caller, scopes: Object.fromEntries(data) as object };
}

function scopeData(scope: ScopePlan, access: readonly Access[]): object {
  const callers = access.filter(({ scopes }) => scopes.includes(scope)).map(({ caller }) => caller);
  return {
    presenters: callers.flatMap(({ service }) => (service ? [service.identity] : [])),
    clients: callers.flatMap(({ name, service }) => (service ? [] : [name])),
    operations: scope.operations.map(operationData),
  };
}

/** Operations that are not HTTP have only a name. */
function operationData(name: string): object {
  const operation = readOperation(name);
  return operation ? { name, method: operation.method ?? '*', path: patternOf(operation.path) } : { name };
}

/** A regular expression (RE2): `{name}` matches one segment, a final `*` any rest, another `*` a part of a segment. */
function patternOf(path: string): string {
  const parts = path.split(/(\{[^{}/]*\}|\*)/);
  const last = parts.length - 2;
  const pattern = parts.map((part, at) => {
    if (at % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    if (part !== '*') return '[^/]+';
    return at === last && parts[last + 1] === '' ? '.*' : '[^/]*';
  });
  return `^${pattern.join('')}$`;
}
