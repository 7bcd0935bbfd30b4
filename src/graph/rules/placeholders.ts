/**
 * Texts that look as if something were to be filled in or matched. Placeholders are filled in where templates can stand;
 * elsewhere, and where they are unknown, a text would be compared exactly, and never be equal. No text is a pattern.
 */
import type { At, GraphDeclaration, Unfilled } from '../declare/declaration.ts';
import { PLACEHOLDERS } from '../declare/templates.ts';
import type { Findings, Place } from '../finding.ts';
import { didYouMean } from '../names.ts';
import { declaredConditions } from './conditions.ts';

/** A name in braces; not `${variable}`, which has findings of its own. Braces alone may be part of a scope (RFC 6749). */
const PLACEHOLDER = /(?<!\$)\{([A-Za-z][\w.-]*)\}/g;
/** A star is no part of any name that people choose. */
const WILDCARD = /\*/;

/** Whether a text of a service has a placeholder that was not filled in: it has a finding, and is not what was meant. */
export function isUnfilled(unfilled: readonly Unfilled[], text: Place): boolean {
  return unfilled.some(({ source, offset }) => source === text.source && offset === text.offset);
}

export function checkPlaceholders(graph: GraphDeclaration, findings: Findings): void {
  const told = new Set<string>(); // what stands in `defaults` is said once, with the first service
  for (const { name, unfilled, audiences, identities, scopes } of graph.services.values()) {
    for (const each of unfilled) {
      const place = `${each.source.file}:${each.offset} ${each.placeholder}`;
      if (!told.has(place)) checkUnfilled(name, each, findings);
      told.add(place);
    }
    for (const audience of audiences) checkPattern('an audience', audience.value, audience, findings);
    for (const identity of identities) checkPattern('an identity', identity.value, identity, findings);
    for (const scope of scopes.values()) checkText('a scope', scope.name, scope, findings);
  }
  checkConditions(graph, findings);
}

function checkUnfilled(service: string, unfilled: Unfilled, findings: Findings): void {
  const { key, placeholder, isKnown, value, source, offset } = unfilled;
  const at = { source, offset };
  if (isKnown) {
    const what = placeholder.startsWith('label.') ? `label ${placeholder.slice(6)}` : placeholder;
    findings.add(
      'placeholder-without-value',
      at,
      `${service} has no ${what} for {${placeholder}} in ${value}.`,
      'Give it one, or give one to all services of its zone or of the graph in `defaults`.',
    );
    return;
  }
  const known = PLACEHOLDERS.map((name) => `{${name}}`).join(', ');
  findings.add(
    'unknown-placeholder',
    at,
    `\`${key}\` contains the unknown placeholder {${placeholder}}.`,
    `${didYouMean(placeholder, PLACEHOLDERS)} Known: ${known}. For the character { write {{.`.trim(),
  );
}

function checkConditions(graph: GraphDeclaration, findings: Findings): void {
  for (const { facts } of declaredConditions(graph))
    for (const { fact, values } of facts)
      for (const value of values)
        if (typeof value === 'string') checkText('a value of `when`', value, fact, findings);
}

function checkText(
  what: 'a scope' | 'a value of `when`',
  text: string,
  at: Place | At<string>,
  findings: Findings,
): void {
  for (const [written] of text.includes('{') ? text.matchAll(PLACEHOLDER) : [])
    findings.add(
      'unknown-placeholder',
      at,
      `Nothing is filled in for ${written} in ${what}.`,
      'There are no placeholders here: write the text itself.',
    );
  checkPattern(what, text, at, findings);
}

function checkPattern(what: string, text: string, at: Place, findings: Findings): void {
  if (WILDCARD.test(text))
    findings.add(
      'looks-like-pattern',
      at,
      `The star in ${text} is a letter like any other: ${what} is no pattern.`,
      'Write each out that is meant.',
    );
}
