/**
 * What the page is made from: a compiled graph as data. In: what compiling gave. Out: JSON that holds the plan, the
 * findings with the place in the graph that each is about, and where things are declared. No file is read here.
 */
import type { AcceptedFinding, ClientPlan, Finding, Plan, ServicePlan } from '../../graph/index.ts';
import type { Compiled } from '../../planning/index.ts';
import { Declarations, type Declared } from './declarations.ts';
import { writePlan } from './plan-text.ts';

/** A finding, with what it is about. */
export interface FindingView extends Finding {
  /** Absent where its place is in no client and no service. */
  readonly about?: Declared;
  /** The line of the file, where the plan still holds its text and it is short enough to be read. */
  readonly excerpt?: string;
}

export interface ViewData {
  /** As `readPlan` reads it; null where names or calls are in error. */
  readonly plan: string | null;
  readonly findings: readonly FindingView[];
  /** Findings that the graph accepts, with why and until when. */
  readonly accepted: readonly (FindingView & Pick<AcceptedFinding, 'reason' | 'until'>)[];
  /** File and line of every client and service, by its name. */
  readonly places: Readonly<Record<string, string>>;
  /** The files that were read, as they were named. */
  readonly files: readonly string[];
  /** The issuer's public keys, to verify tokens with; null where none were given. */
  readonly jwks: unknown;
  /** Whether a server tells of changes. */
  readonly live: boolean;
}

export interface ViewOptions {
  /** A JWK Set of public keys. Default: none; the page asks for one. */
  readonly jwks?: unknown;
  readonly live: boolean;
}

export function viewData(
  { draft, findings, accepted, files }: Compiled,
  { jwks = null, live }: ViewOptions,
): ViewData {
  const declarations = new Declarations(draft);
  return {
    plan: draft ? writePlan(draft) : null,
    findings: findings.map((finding) => ({ ...finding, ...declarations.around(finding) })),
    accepted: accepted.map((finding) => ({ ...finding, ...declarations.around(finding) })),
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
