/** Tests of a graph, as they were written: typed, with every name known to the graph. */
import type { At, Criteria, Finding, Place, ScopePlan, ServicePlan } from '../../graph/index.ts';

export interface Assertion extends Place {
  readonly title: string;
  /** Whether it holds too where there is nothing to judge. */
  readonly mayBeEmpty: boolean;
  readonly rule: ChainRule | ReadersRule | RequestRule;
}

/** Which chains of calls may lead to a scope. */
export interface ChainRule {
  readonly form: 'never' | 'only';
  readonly from: Parties;
  readonly to: readonly Target[];
}

/** Who may read a claim. */
export interface ReadersRule {
  readonly form: 'reads';
  readonly claim: At<string>;
  readonly only: Parties;
}

/** What one request gets. */
export interface RequestRule extends Place {
  readonly form: 'request';
  readonly client: string;
  /** Empty: the client's default scopes. */
  readonly scopes: readonly string[];
  readonly resource: string | undefined;
  /** Absent: the client asks for itself. */
  readonly subject: SubjectValues | undefined;
  /** Seconds since the user logged in; absent: the provider does not say. */
  readonly loginAge: number | undefined;
  /**
   * What the client says of its request, as `authorization_details`, and the gateway of an opaque client: values by the
   * claim's name. Absent: nothing.
   */
  readonly request: Readonly<Record<string, unknown>> | undefined;
  readonly expect: Expectation;
}

export interface SubjectValues {
  /** The name of the provider. */
  readonly provider: string;
  readonly sub: string;
  /** As a token of the provider has them. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What is absent is not compared. */
export interface Expectation {
  readonly error: At<string> | undefined;
  /** What the answer, or the error, says of another login. */
  readonly stepUp: ExpectedLogin | undefined;
  readonly scope: (Place & { readonly names: readonly string[] }) | undefined;
  readonly tokens: readonly ExpectedToken[];
  readonly absent: readonly At<string>[];
  readonly exact: Place | undefined;
  readonly fits: Place | undefined;
}

export interface ExpectedToken extends Place {
  /** Names of services from the entry on, with `/` between them. */
  readonly path: string;
  readonly scopes: readonly string[] | undefined;
  /** The names of all its claims. */
  readonly claimNames: readonly string[] | undefined;
  /** Some of its claims. */
  readonly claimValues: Readonly<Record<string, unknown>> | undefined;
  readonly mode: string | undefined;
  /** Whether it is encrypted to its service. */
  readonly isSealed: boolean | undefined;
  readonly chain: readonly string[] | undefined;
  /** Seconds. */
  readonly lifetime: number | undefined;
}

export interface ExpectedLogin extends Place {
  /** Separated by spaces; absent: none. */
  readonly acrValues: string | undefined;
  /** Seconds; absent: any. */
  readonly maxAge: number | undefined;
}

/** A set of parties. */
export interface Parties {
  readonly names: ReadonlySet<string>;
  /** Selectors that fit nobody. */
  readonly empty: readonly Criteria[];
}

export interface Target extends Place {
  readonly service: ServicePlan;
  readonly scope: ScopePlan;
}

/** Why a test does not hold. */
export interface Contradiction {
  /** In the file of the test. */
  readonly place: Place;
  readonly message: string;
  readonly hint: string;
  /** The call that brings it about. */
  readonly call?: Place | undefined;
}

/** A contradiction as a finding, so that it is printed as all findings are. */
export function toFinding(title: string, { place, message, hint, call }: Contradiction): Finding {
  return {
    code: 'assertion-failed',
    severity: 'error',
    ...located(place),
    message: `${title}: ${message}`,
    hint,
    places: call ? [located(call)] : [],
  };
}

export function located({ source, offset }: Place) {
  return { file: source.file, ...source.locate(offset) };
}
