/**
 * Parts of the language that this version reads but does not carry out: sealing. A graph that uses one is refused: a rule
 * that is silently ignored would be worse than none.
 */
import { Fields } from '../declare/fields.ts';
import type { Findings, Place } from '../finding.ts';
import type { GraphDocument } from '../load/merge.ts';

export function checkNotYet({ sections }: GraphDocument, findings: Findings): void {
  const refuse = (place: Place): void =>
    findings.add(
      'not-yet',
      place,
      'Sealing is not implemented yet.',
      'Take it out; nothing here is ever silently ignored.',
    );
  const checkCalls = (caller: Fields): void => {
    for (const [, { value }] of caller.entries('calls')) {
      const seal = new Fields(value).at('seal');
      if (seal?.kind === 'scalar' && seal.value === true) refuse(seal);
    }
  };
  for (const { value } of sections.clients.values()) checkCalls(new Fields(value));
  for (const { value } of sections.services.values()) {
    const service = new Fields(value);
    const encryption = service.node?.entries.get('encryption');
    if (encryption) refuse(encryption.key);
    for (const caller of [service, ...service.entries('scopes').map(([, scope]) => new Fields(scope.value))])
      checkCalls(caller);
  }
}
