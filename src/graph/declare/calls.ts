/** Calls of a client, a service or a scope, and the claims that tokens carry. */
import { readCallConditions } from './conditions.ts';
import type * as Declared from './declaration.ts';
import { CALL_MODES } from './declaration.ts';
import { Fields, oneOf, textsOf } from './fields.ts';
import { readVia } from './headers.ts';

export function readClaimUses(fields: Fields): Declared.ClaimUse[] {
  return fields.texts('claims').map(({ value, ...at }) => {
    const required = value.endsWith('!');
    return { ...at, name: required ? value.slice(0, -1) : value, required };
  });
}

export function readCalls(fields: Fields): Declared.CallDeclaration[] {
  const calls: Declared.CallDeclaration[] = [];
  for (const [, { key, value }] of fields.entries('calls')) {
    if (value.kind === 'scalar') continue;
    const call = new Fields(value);
    const scopes = value.kind === 'list' ? textsOf(value.items) : call.texts('scopes');
    const { source, offset } = key;
    calls.push({
      source,
      offset,
      callee: key,
      scopes,
      hasScopes: value.kind === 'list' || call.has('scopes'),
      mode: oneOf(CALL_MODES, call.text('mode')?.value) ?? 'embed',
      modeAt: call.at('mode') ?? key,
      seal: call.flagAt('seal'),
      probability: call.number('probability') ?? 1,
      via: readVia(call),
      until: call.text('until'),
      when: readCallConditions(call),
    });
  }
  return calls;
}
