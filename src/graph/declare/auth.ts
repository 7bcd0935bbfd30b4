/** How a client or a service authenticates. */
import type { Node } from '../load/yaml.ts';
import type * as Declared from './declaration.ts';
import { CERTIFICATE_NAMES } from './declaration.ts';
import { Fields, place } from './fields.ts';

/** @param fill fills in the placeholders of a text, named by its key. Default: there are none. */
export function readAuth(
  at: Node | undefined,
  fill: (key: string, text: Declared.At<string>) => Declared.At<string> = (_, text) => text,
): Declared.AuthDeclaration | undefined {
  const auth = new Fields(at);
  const filled = (key: string) => {
    const text = auth.text(key);
    return text && fill(`auth.${key}`, text);
  };
  const method = auth.text('method');
  if (!at || !method) return undefined;
  return {
    ...place(at),
    method,
    secretEnv: auth.text('secret_env')?.value,
    secretFile: auth.text('secret_file')?.value,
    jwksFile: filled('jwks_file')?.value,
    jwksUri: filled('jwks_uri'),
    bundleFile: auth.text('bundle_file')?.value,
    spiffeId: filled('spiffe_id'),
    certificateNames: CERTIFICATE_NAMES.flatMap((kind) => {
      const value = auth.text(kind)?.value;
      return value === undefined ? [] : [{ kind, value }];
    }),
  };
}
