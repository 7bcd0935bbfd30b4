/**
 * The graph as its authors declared it: typed, with defaults applied, every name still a text with its place. The
 * rules read it; the compiler turns it into a plan once no rule found an error.
 */
import type {
  Encoding,
  FullySpecifiedAlgorithm,
  KeyAgreement,
  Lineage,
  SigningAlgorithm,
} from '../../protocol.ts';
import type { Place, SourceText } from '../finding.ts';
import type { Scalar } from '../load/yaml.ts';
import type { Reserve } from './reserve.ts';

/** A value and where it stands. */
export interface At<Value> extends Place {
  readonly value: Value;
}

/** How a callee gets its token: inside the caller's, by exchange, the caller's own, or none. */
export type CallMode = 'embed' | 'exchange' | 'forward' | 'none';
export const CALL_MODES = ['embed', 'exchange', 'forward', 'none'] as const satisfies readonly CallMode[];
/** What happens to a tree over the budget of a hop: calls become exchanges, or the request is refused. */
export type Overflow = 'exchange' | 'reject';
export const OVERFLOWS = ['exchange', 'reject'] as const satisfies readonly Overflow[];
/** `mtls`: the certificate of the connection must be that of the caller which the token names. */
export type CallerCheck = 'none' | 'mtls';
/** What a service can read: `jwt` is a stock server that knows nothing of the packed coding. */
export type Accepted = 'any' | 'jwt';
/** How a party sends a shared secret (RFC 6749 section 2.3.1). */
export type SecretMethod = 'client_secret_basic' | 'client_secret_post';
export const SECRET_METHODS = [
  'client_secret_basic',
  'client_secret_post',
] as const satisfies readonly SecretMethod[];

export interface IssuerDeclaration {
  readonly url: At<string>;
  /** Seconds. */
  readonly lifetime: number;
  /** Seconds; absent: off. */
  readonly reuse: At<number> | undefined;
  readonly signing: At<SigningAlgorithm>;
  readonly encoding: Encoding;
  readonly limits: { readonly tokens: number; readonly depth: number; readonly nested: number };
  readonly overflow: Overflow;
  readonly lineage: Lineage;
  readonly ignoreScopes: readonly At<string>[];
  /** The `type` of the object in `authorization_details` (RFC 9396) that has claims of the request. */
  readonly contextType: string;
}

/** One thing that limits headers on the way: a profile, limits of its own, or a profile with some of its own. */
export interface HopDeclaration extends Place {
  readonly profile: string | undefined;
  /** Bytes of the longest header line. */
  readonly maxLine: number | undefined;
  /** Bytes of all header lines. */
  readonly maxTotal: number | undefined;
}

export interface HeadersDeclaration extends HopDeclaration {
  readonly reserve: Reserve;
}

export interface ZoneDeclaration extends Place {
  /** Whether others run it. */
  readonly external: boolean;
  readonly via: readonly HopDeclaration[];
  /** Whose services and clients may be in it; absent: everyone's. */
  readonly owners: readonly At<string>[] | undefined;
}

/** A team, and the files in which its services and clients stand. */
export interface OwnerDeclaration extends Place {
  readonly name: string;
  /** Patterns of paths, relative to the file that lists the owners. */
  readonly paths: readonly At<string>[];
}

/** Whose value a claim has. */
export type ClaimOrigin = 'subject' | 'client' | 'request';
/** What values a claim can have: whole numbers within ±(2^53-1), lists of texts. */
export type ClaimType = 'any' | 'string' | 'int' | 'bool' | 'strings';
export const CLAIM_TYPES = [
  'any',
  'string',
  'int',
  'bool',
  'strings',
] as const satisfies readonly ClaimType[];
/** Who gives the value of a claim of the request: the client with its request, or the gateway with each swap. */
export type ClaimSetter = 'client' | 'gateway';
export const CLAIM_SETTERS = ['client', 'gateway'] as const satisfies readonly ClaimSetter[];

export interface ClaimDeclaration extends Place {
  readonly name: string;
  readonly from: ClaimOrigin | undefined;
  /** The name of the value at its source, where it is another than the claim's. */
  readonly path: At<string> | undefined;
  /** A fixed value; present where `from` is not. */
  readonly value: unknown;
  readonly type: At<ClaimType> | undefined;
  /** The only values that it may have; of a list, its members. Absent: any of its type. */
  readonly values: readonly At<unknown>[] | undefined;
  readonly setBy: At<ClaimSetter> | undefined;
  /** Bytes as JSON in UTF-8. */
  readonly maxBytes: number | undefined;
  /** Where it may be read; absent: anywhere. */
  readonly zones: readonly At<string>[] | undefined;
}

/** A number that JSON readers change or cannot read. */
export interface InexactNumber extends Place {
  /** Its text in the file. */
  readonly written: string;
  /** What it was read as. */
  readonly value: number;
}

/** A use of a claim by a service or a scope. */
export interface ClaimUse extends Place {
  readonly name: string;
  readonly required: boolean;
}

export interface CallDeclaration extends Place {
  readonly callee: At<string>;
  readonly scopes: readonly At<string>[];
  /** Whether the author wrote a list of scopes, be it a wrong one. */
  readonly hasScopes: boolean;
  readonly mode: CallMode;
  readonly modeAt: Place;
  /** Whether the author wrote it; a callee may say it for all its callers. */
  readonly seal: At<boolean> | undefined;
  readonly probability: number;
  readonly via: readonly HopDeclaration[];
  /** The last day of the call, in UTC; absent: it has none. */
  readonly until: At<string> | undefined;
  /** Under which conditions it names its scopes. */
  readonly when: readonly CallCondition[];
}

/** A condition as it is written: CEL, or a mapping of facts. */
export interface ConditionDeclaration extends Place {
  /** CEL; absent: the mapping. */
  readonly text: string | undefined;
  /** Facts, each with the values of which it must have one. */
  readonly facts: readonly { readonly fact: At<string>; readonly values: readonly unknown[] }[];
}

export interface CallCondition {
  /** Absent: for every scope of the call. */
  readonly scope: At<string> | undefined;
  readonly condition: ConditionDeclaration;
}

/** A condition with a name, which others can read. */
export interface NamedCondition extends Place {
  readonly name: string;
  readonly condition: ConditionDeclaration;
}

export interface AuthDeclaration extends Place {
  readonly method: At<string>;
  readonly secretEnv: string | undefined;
  readonly secretFile: string | undefined;
  readonly jwksFile: string | undefined;
  readonly jwksUri: At<string> | undefined;
  readonly bundleFile: string | undefined;
  readonly spiffeId: At<string> | undefined;
  /** What a certificate must carry (RFC 8705 section 2.1.2), of each kind that is given. */
  readonly certificateNames: readonly { readonly kind: CertificateNameKind; readonly value: string }[];
}

/** Where the keys are to which tokens for a service are encrypted. */
export interface EncryptionDeclaration extends Place {
  readonly jwksFile: string | undefined;
  readonly jwksUri: At<string> | undefined;
  /** Absent: as the key says. */
  readonly alg: KeyAgreement | undefined;
}

export type CertificateNameKind = 'subject_dn' | 'san_dns' | 'san_uri' | 'san_email' | 'san_ip';
export const CERTIFICATE_NAMES = [
  'subject_dn',
  'san_dns',
  'san_uri',
  'san_email',
  'san_ip',
] as const satisfies readonly CertificateNameKind[];

/** The kinds of tokens that a provider issues (RFC 8693 section 3). */
export type SubjectTokenKind = 'id_token' | 'access_token';

/** What a provider is from its declaration to the plan. */
export interface SubjectSettings {
  readonly name: string;
  readonly audience: string;
  readonly algorithms: readonly FullySpecifiedAlgorithm[];
  /** Bytes of the provider's `sub`, as JSON. */
  readonly subMaxBytes: number;
  readonly tokenTypes: readonly SubjectTokenKind[];
  readonly authorizedParties: readonly string[];
  /** Whether a token with `act` (RFC 8693 section 4.1) is refused, or accepted for the user alone. */
  readonly act: ActRule;
}

export interface SubjectDeclaration extends SubjectSettings, Place {
  readonly issuer: At<string>;
  readonly jwksUri: At<string> | undefined;
  /** Before the subject in `sub`, a colon between; empty: nothing. */
  readonly prefix: string;
  /** Levels of logins, each with the values of `acr` that mean it. */
  readonly acr: ReadonlyMap<string, readonly At<string>[]> | undefined;
}

/** Whether a provider's delegated token is refused, or accepted for its user alone. */
export type ActRule = 'refuse' | 'ignore';
export const ACT_RULES = ['refuse', 'ignore'] as const satisfies readonly ActRule[];

/** What a client receives: the tree's root token itself, or an opaque reference to it. */
export type TokenForm = 'jwt' | 'opaque';

/** The key of a certificate (RFC 8705 section 3.4), or of DPoP proofs (RFC 9449 section 5.2). */
export type Binding = 'certificate' | 'dpop';

export type GrantName = 'client_credentials' | 'token_exchange' | 'jwt_bearer';

export interface ClientDeclaration extends Place {
  readonly name: string;
  /** The team that answers for it. */
  readonly owner: At<string> | undefined;
  readonly labels: ReadonlyMap<string, string>;
  readonly auth: AuthDeclaration | undefined;
  readonly grants: readonly GrantName[];
  /** Providers whose tokens it may exchange. */
  readonly subjects: readonly At<string>[];
  readonly token: TokenForm;
  /** To what its tokens are always bound; more than one is an error. */
  readonly bindings: readonly At<Binding>[];
  /** Absent: outside every zone. */
  readonly zone: At<string> | undefined;
  /** Services whose tokens it may introspect, as a gateway before them. */
  readonly introspect: readonly At<string>[];
  /** As they stand in `introspect`, beside the names. */
  readonly selectors: readonly Selector[];
  readonly defaultScopes: readonly At<string>[];
  /** Seconds; absent: as the issuer says. */
  readonly lifetime: number | undefined;
  readonly claims: ReadonlyMap<string, At<unknown>>;
  readonly calls: readonly CallDeclaration[];
}

/** The lists that take selectors. */
export type SelectorList = 'callers' | 'through' | 'accepts_forward' | 'introspect';

/** What parties must be; all that is given must fit. */
export interface Criteria extends Place {
  readonly zone: At<string> | undefined;
  readonly owner: At<string> | undefined;
  readonly namespace: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
}

export interface Selector extends Criteria {
  readonly list: SelectorList;
}

/** A selector, and whom it stands for. */
export interface ExpandedSelector {
  readonly selector: Selector;
  /** Whose list has it. */
  readonly party: string;
  /** Of a list of one scope. */
  readonly scope: string | undefined;
  readonly names: readonly string[];
}

/** A placeholder that stays as it is, and the text in which it stands. */
export interface Unfilled extends At<string> {
  /** Which key has the text: `audience`, `auth.spiffe_id`. */
  readonly key: string;
  /** Without its braces. */
  readonly placeholder: string;
  /** Whether it is known, and only this service has no value for it. */
  readonly isKnown: boolean;
}

/** What a scope is from its declaration to the plan. */
export interface ScopeSettings extends Place {
  readonly name: string;
  /** For people. */
  readonly description: string | undefined;
  readonly operations: readonly string[];
  /** Seconds; absent: as long as its service says. */
  readonly lifetime: number | undefined;
}

export interface ScopeDeclaration extends ScopeSettings {
  readonly claims: readonly ClaimUse[];
  /** Absent: anyone whom the graph lets call. */
  readonly callers: readonly At<string>[] | undefined;
  /** Parties of which one is in every chain of calls to it. Absent: any chain will do. */
  readonly through: readonly At<string>[] | undefined;
  /** As they stand in `callers` and `through`, beside the names. */
  readonly selectors: readonly Selector[];
  /** For every call into it; absent: none. */
  readonly when: ConditionDeclaration | undefined;
  readonly calls: readonly CallDeclaration[];
}

/** What a service is from its declaration to the plan. */
export interface ServiceSettings extends Place {
  readonly name: string;
  /** Of Kubernetes. */
  readonly namespace: string | undefined;
  /** Marks for people and selectors, by name. */
  readonly labels: ReadonlyMap<string, string>;
  readonly headers: HeadersDeclaration | undefined;
  /** Seconds; absent: as long as the token above. */
  readonly lifetime: number | undefined;
  /** Whether it checks who presents a token. */
  readonly caller: CallerCheck;
  /** `jwt`: it is never sent a packed token. */
  readonly accepts: Accepted;
}

export interface ServiceDeclaration extends ServiceSettings {
  /** The team that answers for it. */
  readonly owner: At<string> | undefined;
  /** One or several, of which the first is primary. */
  readonly audiences: readonly At<string>[];
  /** The same. */
  readonly identities: readonly At<string>[];
  /** Placeholders in its texts that could not be filled in. */
  readonly unfilled: readonly Unfilled[];
  readonly zone: At<string> | undefined;
  readonly auth: AuthDeclaration | undefined;
  readonly encryption: EncryptionDeclaration | undefined;
  /** Whether every call into it is sealed. */
  readonly seal: At<boolean> | undefined;
  /** Absent: as its zone and the issuer say. */
  readonly lineage: Lineage | undefined;
  readonly acceptsForward: readonly At<string>[];
  /** Services whose tokens it may introspect, as a gateway before them. */
  readonly introspect: readonly At<string>[];
  /** As they stand in `accepts_forward` and `introspect`, beside the names. */
  readonly selectors: readonly Selector[];
  readonly claims: readonly ClaimUse[];
  readonly calls: readonly CallDeclaration[];
  readonly scopes: ReadonlyMap<string, ScopeDeclaration>;
}

export interface GraphDeclaration {
  readonly name: string;
  /** SHA-256 of the graph's meaning: comments and layout do not change it. */
  readonly digest: string;
  readonly issuer: IssuerDeclaration | undefined;
  /** By name; absent: whoever declares a party says who owns it. */
  readonly owners: ReadonlyMap<string, OwnerDeclaration> | undefined;
  readonly zones: ReadonlyMap<string, ZoneDeclaration>;
  readonly claims: ReadonlyMap<string, ClaimDeclaration>;
  readonly conditions: ReadonlyMap<string, NamedCondition>;
  /** In values of claims, and in what claims are compared with. */
  readonly inexactNumbers: readonly InexactNumber[];
  readonly subjects: ReadonlyMap<string, SubjectDeclaration>;
  readonly clients: ReadonlyMap<string, ClientDeclaration>;
  readonly services: ReadonlyMap<string, ServiceDeclaration>;
  /** Whom each selector stands for; the lists have the names already. */
  readonly selectors: readonly ExpandedSelector[];
  /** What declares values that nothing uses can be told here: the zone of `defaults`. */
  readonly defaultZone: At<string> | undefined;
  /** Where to point for what is missing. */
  readonly start: Place;
  /** The path of each text in this graph: one that another graph has too may name the file there. */
  readonly files: ReadonlyMap<SourceText, string>;
}

export type { Scalar };
