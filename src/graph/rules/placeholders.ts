/**
 * Texts that look as if something were to be filled in or matched. `{name}` and `{namespace}` are filled in where they stand in
 * `defaults`; nothing else is, and no text of a graph is a pattern. What is left would be compared exactly, and never be equal.
 */
import type { At, ClientDeclaration, GraphDeclaration, ServiceDeclaration } from '../declare/declaration.ts';
import type { Findings, Place } from '../finding.ts';
import { didYouMean } from '../names.ts';

const KNOWN = ['name', 'namespace'];
/** A name in braces; not `${variable}`, which has findings of its own. Braces alone may be part of a scope (RFC 6749). */
const PLACEHOLDER = /(?<!\$)\{([A-Za-z][\w.-]*)\}/g;
/** A star is no part of any name that people choose. */
const WILDCARD = /\*/;

/** Whether a text has a placeholder that was not filled in: it has a finding, and is not what was meant. */
export function hasPlaceholder(text: string): boolean {
  return text.search(PLACEHOLDER) !== -1;
}

export function checkPlaceholders(graph: GraphDeclaration, findings: Findings): void {
  checkUnfilled(graph, findings);
  for (const service of graph.services.values()) {
    checkService(service, findings);
    for (const scope of service.scopes.values()) checkText('a scope', scope.name, scope, findings);
  }
  for (const client of graph.clients.values()) checkConditions(client, findings);
}

/** What stands in `defaults` is said once, with the first service. */
function checkUnfilled(graph: GraphDeclaration, findings: Findings): void {
  const told = new Set<string>();
  for (const { name, unfilled } of graph.services.values()) {
    for (const { value, ...at } of unfilled) {
      const place = `${at.source.file}:${at.offset}`;
      if (told.has(place)) continue;
      told.add(place);
      findings.add(
        'placeholder-without-value',
        at,
        `${name} has no namespace for {namespace} in ${value}.`,
        'Give it a `namespace`, or one to all services in `defaults`.',
      );
    }
  }
}

function checkService({ audience, identity, unfilled }: ServiceDeclaration, findings: Findings): void {
  for (const [what, at] of [
    ['an audience', audience],
    ['an identity', identity],
  ] as const) {
    const isUnfilled = unfilled.some(({ source, offset }) => source === at.source && offset === at.offset);
    checkText(what, at.value, at, findings, isUnfilled ? ['namespace'] : []);
  }
}

function checkConditions({ calls }: ClientDeclaration, findings: Findings): void {
  for (const { when } of calls)
    for (const { claim, values } of when)
      for (const value of values)
        if (typeof value === 'string') checkText('a value of `when`', value, claim, findings);
}

/** @param reported placeholders of which another finding tells. */
function checkText(
  what: 'an audience' | 'an identity' | 'a scope' | 'a value of `when`',
  text: string,
  at: Place | At<string>,
  findings: Findings,
  reported: readonly string[] = [],
): void {
  const fills = what === 'an audience' || what === 'an identity';
  for (const [written, name = ''] of text.includes('{') ? text.matchAll(PLACEHOLDER) : []) {
    if (reported.includes(name)) continue;
    findings.add(
      'unknown-placeholder',
      at,
      `Nothing is filled in for ${written} in ${what}.`,
      fills ? placeholderHint(name) : 'There are no placeholders here: write the text itself.',
    );
  }
  if (WILDCARD.test(text))
    findings.add(
      'looks-like-pattern',
      at,
      `The star in ${text} is a letter like any other: ${what} is no pattern.`,
      'Write each out that is meant.',
    );
}

function placeholderHint(name: string): string {
  if (KNOWN.includes(name))
    return `{${name}} is filled in where it stands in \`defaults\`: write the text itself here.`;
  return `${didYouMean(name, KNOWN)} \`defaults\` has {name} and {namespace}.`.trim();
}
