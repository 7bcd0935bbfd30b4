/**
 * The page's data, as JSON: the plan of a compiled graph, the findings with the declaration that each is about, and
 * where everything is declared. Reads no files.
 */
import type {
  AcceptedFinding,
  ClientPlan,
  Finding,
  FindingCode,
  FindingPlace,
  Plan,
  ServicePlan,
} from '../../graph/index.ts';
import type { Compiled } from '../../planning/index.ts';
import { Declarations, type Declared } from './declarations.ts';
import { writePlan } from './plan-text.ts';

/** A further place of a finding. */
export interface PlaceView extends FindingPlace {
  readonly about?: Declared;
}

export interface FindingView extends Finding {
  readonly places: readonly PlaceView[];
  /** Absent if its place is in no client and no service. */
  readonly about?: Declared;
  /** The line in the file; absent if it is long or unknown. */
  readonly excerpt?: string;
}

export interface ViewData {
  /** For `readPlan`; null if the graph has wrong names or calls. */
  readonly plan: string | null;
  readonly findings: readonly FindingView[];
  /** Kinds of findings that are left out until the errors are fixed. */
  readonly leftOut: readonly FindingCode[];
  /** Findings that the graph accepts, with reason and end. */
  readonly accepted: readonly (FindingView & Pick<AcceptedFinding, 'reason' | 'until'>)[];
  /** File and line of every client and service, by name. */
  readonly places: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  /** The issuer's public keys, to verify tokens; null if none were given. */
  readonly jwks: unknown;
  /** Whether a server reports changes. */
  readonly live: boolean;
}

export interface ViewOptions {
  /** A JWK Set of public keys. Default: none, and the page asks for one. */
  readonly jwks?: unknown;
  readonly live: boolean;
}

export function viewData(
  { draft, findings, leftOut, accepted, files }: Compiled,
  { jwks = null, live }: ViewOptions,
): ViewData {
  const declarations = new Declarations(draft);
  const view = <Each extends Finding>(finding: Each) => ({
    ...finding,
    ...declarations.around(finding),
    places: finding.places.map((place): PlaceView => {
      const { about } = declarations.around(place);
      return about ? { ...place, about } : place;
    }),
  });
  return {
    plan: draft ? writePlan(draft) : null,
    findings: findings.map(view),
    leftOut,
    accepted: accepted.map(view),
    places: draft ? placesOf(draft) : {},
    files,
    jwks,
    live,
  };
}

function placesOf(plan: Plan): Record<string, string> {
  const parties: readonly (ClientPlan | ServicePlan)[] = [
    ...plan.clients.values(),
    ...plan.services.values(),
  ];
  return Object.fromEntries(
    parties.map(({ name, source, offset }) => [name, `${source.file}:${source.locate(offset).line}`]),
  );
}
