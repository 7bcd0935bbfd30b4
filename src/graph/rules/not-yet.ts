/**
 * Parts of the language that this version reads but does not carry out. A graph that uses one is refused: a rule
 * that is silently ignored would be worse than none.
 */
import { Fields } from '../declare/fields.ts';
import type { Findings } from '../finding.ts';
import type { GraphDocument } from '../load/merge.ts';

export function checkNotYet(document: GraphDocument, findings: Findings): void {
  const refuse = refuser(findings);
  const { sections } = document;
  for (const [, entry] of sections.clients) checkCalls(new Fields(entry.value), refuse);
  for (const [, entry] of sections.services) checkService(new Fields(entry.value), refuse);
}

function checkService(service: Fields, refuse: Refuser): void {
  refuse.present(service, 'encryption', 'Sealing');
  checkCalls(service, refuse);
  for (const [, scope] of service.entries('scopes')) checkCalls(new Fields(scope.value), refuse);
}

function checkCalls(caller: Fields, refuse: Refuser): void {
  for (const [, entry] of caller.entries('calls')) {
    const call = new Fields(entry.value);
    refuse.value(call, 'seal', [true], 'Sealing');
  }
}

type Refuser = ReturnType<typeof refuser>;

function refuser(findings: Findings) {
  const at = (place: Parameters<Findings['add']>[1], what: string): void => {
    findings.add(
      'not-yet',
      place,
      `${what} is not implemented yet.`,
      'Take it out; nothing here is ever silently ignored.',
    );
  };
  return {
    present(fields: Fields, key: string, what: string): void {
      const entry = fields.node?.entries.get(key);
      if (entry) at(entry.key, what);
    },
    value(fields: Fields, key: string, values: readonly unknown[], what: string): void {
      const node = fields.at(key);
      if (node?.kind === 'scalar' && values.includes(node.value)) at(node, what);
    },
  };
}
