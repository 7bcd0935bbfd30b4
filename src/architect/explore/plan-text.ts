/**
 * Serialises a plan, so that the page computes with the same plan as the issuer. Leaves out what the page must not have:
 * the texts of the graph's files, and where secrets and keys are.
 *
 * Services and scopes are written once and referenced by name, so that a long chain of calls does not nest deeply.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { parse, stringify } from 'devalue';
import type { EncryptionPlan, Plan, ServicePlan } from '../../graph/index.ts';

type ScopePlan = ServicePlan['scopes'] extends ReadonlyMap<string, infer Scope> ? Scope : never;

export function writePlan(plan: Plan): string {
  const services = [...plan.services.values()];
  const parties = [...plan.clients.values(), ...services];
  const scopes = new Map(
    services.flatMap((service) =>
      [...service.scopes.values()].map((scope) => [scope, [service.name, scope.name]] as const),
    ),
  );
  const [named, auths] = [new Set<unknown>(services), new Set<unknown>(parties.map(({ auth }) => auth))];
  const encryptions = new Set<unknown>(services.map(({ encryption }) => encryption));
  const written = {
    ...plan,
    services: services.map((service) => ({
      ...service,
      scopes: [...service.scopes.values()].map((scope) => ({ ...scope })),
    })),
  };
  return stringify(written, {
    service: (value: ServicePlan) => named.has(value) && value.name,
    scope: (value: ScopePlan) => scopes.get(value) ?? false,
    auth: (value: ServicePlan['auth']) => value !== undefined && auths.has(value) && value.method,
    encryption: (value: EncryptionPlan | undefined) =>
      value !== undefined && encryptions.has(value) && [value.alg ?? null],
    source: (value: unknown) => isSource(value) && value.file,
    json: (value: unknown) => hasProtoKey(value) && JSON.stringify(value),
  });
}

/** @param text the result of `writePlan`. @returns a new plan, whose `auth` contains only the method, `encryption` only `alg`. */
export function readPlan(text: string): Plan {
  const services = new Named<ServicePlan>();
  const scopes = new Named<ScopePlan>();
  const scopeKey = (service: string, scope: string): string => `${service}:${scope}`;
  const written = parse(text, {
    service: (name: string) => services.get(name),
    scope: ([service, scope]: [string, string]) => scopes.get(scopeKey(service, scope)),
    auth: (method: string) => ({ method }),
    encryption: ([alg]: [EncryptionPlan['alg'] | null]) => ({ keys: { file: '' }, alg: alg ?? undefined }),
    source: (file: string) => ({ file }),
    json: (value: string) => JSON.parse(value) as unknown,
  }) as Omit<Plan, 'services'> & { services: (Omit<ServicePlan, 'scopes'> & { scopes: ScopePlan[] })[] };
  const filled = written.services.map((service) => {
    const own = service.scopes.map((scope) => scopes.fill(scopeKey(service.name, scope.name), scope));
    return services.fill(service.name, { ...service, scopes: byName(own) });
  });
  return { ...written, services: byName(filled) };
}

/** Objects that may be referenced before they are read. */
class Named<Value extends object> {
  readonly #byName = new Map<string, Value>();

  get(name: string): Value {
    return getOrAdd(this.#byName, name, () => ({}) as Value);
  }

  fill(name: string, value: Value): Value {
    return Object.assign(this.get(name), value);
  }
}

function byName<Value extends { readonly name: string }>(values: readonly Value[]): Map<string, Value> {
  return new Map(values.map((value) => [value.name, value]));
}

function isSource(value: unknown): value is ServicePlan['source'] {
  return (
    typeof value === 'object' && value !== null && 'file' in value && 'text' in value && 'locate' in value
  );
}

/** devalue refuses such a key. A claim's value may have it, and is JSON, so it is written as JSON text. */
function hasProtoKey(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__');
}
