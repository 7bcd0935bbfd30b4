/** Whatever has calls: clients, services, and scopes. */
import type { CallDeclaration, GraphDeclaration } from './declaration.ts';

export function callHolders({
  clients,
  services,
}: GraphDeclaration): readonly { readonly calls: readonly CallDeclaration[] }[] {
  const below = [...services.values()].flatMap((service) => [service, ...service.scopes.values()]);
  return [...clients.values(), ...below];
}
