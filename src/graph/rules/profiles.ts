/** Every header-limit profile that the graph names exists and has numbers. */
import { callHolders } from '../declare/call-holders.ts';
import type { GraphDeclaration, HopDeclaration } from '../declare/declaration.ts';
import type { Findings } from '../finding.ts';
import { didYouMean } from '../names.ts';

/** The profiles that there are, each with whether its limits are known. */
export type KnownProfiles = ReadonlyMap<string, boolean>;

export function checkProfiles(graph: GraphDeclaration, known: KnownProfiles, findings: Findings): void {
  const seen = new Set<string>();
  for (const hop of hopsOf(graph)) {
    const place = `${hop.source.file}:${hop.offset}`; // what stands in `defaults`, every service has
    if (hop.profile === undefined || seen.has(place)) continue;
    seen.add(place);
    const hasNumbers = known.get(hop.profile);
    if (hasNumbers === undefined) {
      const hint =
        didYouMean(hop.profile, known.keys()) ||
        `Known: ${[...known.keys()].join(', ')}. For another product give max_line or max_total.`;
      findings.add('unknown-profile', hop, `There is no header-limit profile ${hop.profile}.`, hint);
    } else if (!hasNumbers && hop.maxLine === undefined && hop.maxTotal === undefined) {
      const hint = `Ask whoever runs it, and write { profile: ${hop.profile}, max_total: … }.`;
      findings.add('profile-without-number', hop, `No limit of ${hop.profile} could be established.`, hint);
    }
  }
}

/** Every place where header limits stand. */
function* hopsOf(graph: GraphDeclaration): Generator<HopDeclaration> {
  for (const zone of graph.zones.values()) yield* zone.via;
  for (const service of graph.services.values()) if (service.headers) yield service.headers;
  for (const { calls } of callHolders(graph)) for (const { via } of calls) if (via.length > 0) yield* via;
}
