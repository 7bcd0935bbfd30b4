/** Selectors: whom they stand for, and whether anyone can join by what he writes in his own file. */
import type { ExpandedSelector, GraphDeclaration, Selector } from '../declare/declaration.ts';
import { selectorText } from '../declare/selectors.ts';
import type { Findings } from '../finding.ts';
import { checkKnown } from './names.ts';

export function checkSelectors(graph: GraphDeclaration, findings: Findings): void {
  for (const expanded of graph.selectors) {
    const { selector } = expanded;
    if (selector.zone) checkKnown('unknown-zone', 'zone', selector.zone, graph.zones, findings);
    if (selector.owner && graph.owners)
      checkKnown('unknown-owner', 'owner', selector.owner, graph.owners, findings);
    if (expanded.names.length === 0) reportEmpty(expanded, findings);
    if (!isClosed(selector, graph)) reportSelfSelected(selector, findings);
  }
}

function reportEmpty({ selector }: ExpandedSelector, findings: Findings): void {
  const { list, zone } = selector;
  const who = list === 'accepts_forward' || list === 'introspect' ? 'service' : 'client and no service';
  findings.add(
    'empty-selector',
    selector,
    `No ${who} fits ${selectorText(selector)} in \`${list}\`.`,
    'Compare its zone, owner, namespace and labels with those of the parties that are meant, or take it out.',
    zone ? [`/zones/${zone.value}`] : [],
  );
}

/** An owner is bound to files where the graph lists owners; a zone to owners. Then nobody joins by his own file. */
function isClosed({ zone, owner }: Selector, { owners, zones }: GraphDeclaration): boolean {
  if (!owners) return false;
  return owner !== undefined || (zone !== undefined && zones.get(zone.value)?.owners !== undefined);
}

/** Nobody reviews what a team writes about its own services, unless zones and owners are closed. */
function reportSelfSelected(selector: Selector, findings: Findings): void {
  const { list } = selector;
  findings.add(
    'self-selected',
    selector,
    `Whoever declares a party can make it fit ${selectorText(selector)} in \`${list}\`.`,
    list === 'introspect'
      ? 'Name the services, or accept the finding where every file of the graph is reviewed.'
      : 'The call must be declared too, and is reviewed there. Name the parties, or accept the finding where every file is reviewed.',
  );
}
