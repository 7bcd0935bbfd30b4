/** What of a graph is sealed, and where the public keys are to which it is encrypted. */
import type { Node } from '../load/yaml.ts';
import { KEY_AGREEMENTS } from '../../protocol.ts';
import type { At, CallDeclaration, EncryptionDeclaration, ServiceDeclaration } from './declaration.ts';
import { Fields, oneOf, place } from './fields.ts';

/** @param fill fills in the placeholders of a text, named by its key. */
export function readEncryption(
  at: Node | undefined,
  fill: (key: string, text: At<string>) => At<string>,
): EncryptionDeclaration | undefined {
  if (at?.kind !== 'map') return undefined;
  const fields = new Fields(at);
  const filled = (key: string) => {
    const text = fields.text(key);
    return text && fill(`encryption.${key}`, text);
  };
  return {
    ...place(at),
    jwksFile: filled('jwks_file')?.value,
    jwksUri: filled('jwks_uri'),
    alg: oneOf(KEY_AGREEMENTS, fields.text('alg')?.value),
  };
}

/** Whether the callee's token is encrypted to the callee: the call says so, or the callee does for all its callers. */
export function isSealed(
  call: CallDeclaration,
  callee: Pick<ServiceDeclaration, 'seal'> | undefined,
): boolean {
  return call.seal?.value === true || callee?.seal?.value === true;
}
