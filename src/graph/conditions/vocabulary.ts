/** What conditions of a graph can read: claims, what is known of the user's login, and other conditions by name. */
import type { GraphDeclaration } from '../declare/declaration.ts';
import type { ClaimFactSource, Fact } from './expression.ts';

export const CLAIM_SOURCES = ['subject', 'request', 'client'] as const satisfies readonly ClaimFactSource[];
/** Facts that no claim gives, as authors write them. */
export const OTHER_FACTS: ReadonlyMap<string, Fact> = new Map<string, Fact>([
  ['provider', { source: 'provider', type: 'string' }],
  ['auth.acr', { source: 'acr', type: 'string' }],
  ['auth.age', { source: 'age', type: 'int' }],
]);

/** Words of CEL, which name nothing else. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var void while ' +
    'has size exists all bool bytes double int list map string uint type dyn cel subject request client provider auth'
  ).split(' '),
);
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name);
}

/** Whether a text can name a condition, or the member of a list. */
export function isFreeName(name: string): boolean {
  return isIdentifier(name) && !RESERVED.has(name);
}

/** @returns undefined for a claim that is declared with another source, or not at all. */
export function claimFact(
  { claims }: Pick<GraphDeclaration, 'claims'>,
  source: ClaimFactSource,
  name: string,
): Fact | undefined {
  const claim = claims.get(name);
  if (claim?.from !== source) return undefined;
  const common = { source, name, path: claim.path?.value ?? name, type: claim.type?.value ?? 'any' } as const;
  return source === 'request' ? { ...common, setBy: claim.setBy?.value ?? 'client' } : common;
}
