/**
 * The compiled graph. Every name is resolved to what it names, every list stands in the order of declaration, and
 * nothing changes any more: a request's tree is made from the plan alone.
 */
import type { Actor, Encoding, KeyAgreement, Lineage, SigningAlgorithm } from '../../protocol.ts';
import type {
  Binding,
  CallMode,
  CertificateNameKind,
  ClaimSetter,
  ClaimType,
  GrantName,
  HopDeclaration,
  Overflow,
  ScopeSettings,
  SecretMethod,
  SelectorList,
  ServiceSettings,
  SubjectSettings,
  TokenForm,
} from '../declare/declaration.ts';
import type { Expression } from '../conditions/expression.ts';
import type { Place } from '../finding.ts';

/** A compiled graph: frozen, with all names resolved. Everything that is issued comes from it. */
export interface Plan {
  readonly name: string;
  /** SHA-256 over the graph's meaning, hex. */
  readonly digest: string;
  readonly issuer: IssuerPlan;
  /** Patterns of the files in which the parties of each owner stand; absent: whoever declares a party says who owns it. */
  readonly owners: ReadonlyMap<string, readonly string[]> | undefined;
  /** By name; none: the whole graph is one zone, its clients included. */
  readonly zones: ReadonlyMap<string, ZonePlan>;
  /** All that are declared, by name, in the order of declaration. */
  readonly claims: ReadonlyMap<string, ClaimPlan>;
  readonly subjects: ReadonlyMap<string, SubjectPlan>;
  readonly clients: ReadonlyMap<string, ClientPlan>;
  readonly services: ReadonlyMap<string, ServicePlan>;
  /** For people: the lists that it expands have the names already. In the order of declaration. */
  readonly selectors: readonly SelectorPlan[];
}

/** A set of parties in a list, by what they are. */
export interface SelectorPlan extends Place {
  readonly list: SelectorList;
  /** The client or service whose list it is. */
  readonly party: string;
  /** Of a list of one scope. */
  readonly scope: string | undefined;
  /** `{zone: pci}` */
  readonly text: string;
  /** Whom it stands for. */
  readonly names: readonly string[];
}

export interface IssuerPlan {
  readonly url: string;
  /** Seconds that a root token lives. */
  readonly lifetime: number;
  /** Seconds for which a client is given its own tree again, at most a quarter of `lifetime`; absent: never. */
  readonly reuse: number | undefined;
  readonly signing: SigningAlgorithm;
  /** How a tree travels where a request does not ask for either. */
  readonly encoding: Encoding;
  readonly limits: {
    readonly tokens: number;
    readonly depth: number;
    /** Bytes of the root token, nested. */
    readonly nested: number;
  };
  /** What happens to a tree over the budget of a hop. */
  readonly overflow: Overflow;
  readonly ignoreScopes: ReadonlySet<string>;
  /** The `type` of the object in `authorization_details` (RFC 9396) that has claims of the request. */
  readonly contextType: string;
}

/** A part of the network. */
export interface ZonePlan {
  readonly name: string;
  /** Whether others run it. */
  readonly external: boolean;
  /** Whose parties may be in it; absent: everyone's. */
  readonly owners: readonly string[] | undefined;
}

/** An identity provider whose tokens a client may exchange for a tree. */
export interface SubjectPlan extends SubjectSettings {
  readonly issuer: string;
  /** Absent: found by discovery. */
  readonly jwksUri: string | undefined;
  /** What stands before the provider's `sub`, the colon included. */
  readonly prefix: string;
  /** The graph's levels of logins, each with the values of `acr` that mean it; absent: the graph has none for it. */
  readonly acr: ReadonlyMap<string, readonly string[]> | undefined;
}

/** A client of a compiled graph: how it authenticates, and what it may ask for. */
export interface ClientPlan extends Place {
  readonly name: string;
  readonly auth: AuthPlan;
  readonly grants: ReadonlySet<GrantName>;
  /** Providers whose tokens it may exchange. */
  readonly subjects: readonly SubjectPlan[];
  /** What it receives: the root token itself, or an opaque reference to it. */
  readonly token: TokenForm;
  /** To what its tokens are always bound; absent: to a DPoP key where it shows one, else to nothing. */
  readonly boundTo: Binding | undefined;
  /** Absent: outside every zone. */
  readonly zone: string | undefined;
  /** For people: the team that answers for it. */
  readonly owner: string | undefined;
  /** Marks for people and selectors, by name. */
  readonly labels: ReadonlyMap<string, string>;
  /** Services before which it is a gateway: it may introspect what clients present to them. */
  readonly introspect: readonly ServicePlan[];
  readonly defaultScopes: readonly string[];
  /** Seconds that its trees live, the issuer's or fewer. */
  readonly lifetime: number;
  /** Values of the claims that are `from: client`, by the claim's name. */
  readonly claims: ReadonlyMap<string, unknown>;
  readonly calls: readonly CallPlan[];
}

/** How a party authenticates, and where what that takes is found. */
export type AuthPlan =
  | {
      readonly method: SecretMethod;
      readonly secret: { readonly env: string } | { readonly file: string };
    }
  | { readonly method: 'private_key_jwt'; readonly keys: KeySource }
  | {
      readonly method: 'tls_client_auth';
      /** The one name that the certificate must carry (RFC 8705 section 2.1.2). */
      readonly certificate: { readonly kind: CertificateNameKind; readonly value: string };
    }
  | { readonly method: 'self_signed_tls_client_auth'; readonly keys: { readonly file: string } }
  | {
      readonly method: 'spiffe_x509' | 'spiffe_jwt';
      readonly spiffeId: string;
      /** Further ids of the same party. */
      readonly otherIds: readonly string[];
      /** The bundle of its trust domain. */
      readonly keys: { readonly file: string };
    };

/** Where a JWK Set of public keys is. */
export type KeySource = { readonly file: string } | { readonly uri: string };

/** Public keys of a service for sealed tokens. */
export interface EncryptionPlan {
  readonly keys: KeySource;
  /** Only keys for it are used; absent: as the key says. */
  readonly alg: KeyAgreement | undefined;
}

/** A service of a compiled graph: its audience, its scopes, and the calls that they lead to. */
export interface ServicePlan extends ServiceSettings {
  /** For people: the team that answers for it. */
  readonly owner: string | undefined;
  /** The primary one. */
  readonly audience: string;
  /** All, the primary one first: `aud` of its tokens is a list where there are several. */
  readonly audiences: readonly string[];
  /** What its callees' tokens name as their presenter (RFC 8693 section 4.1): the primary one. */
  readonly identity: string;
  /** All, the primary one first. */
  readonly identities: readonly string[];
  /** The same as an actor, one object for all tokens. */
  readonly actor: Actor;
  /** What its own tokens say of the calls that led to them. */
  readonly lineage: Lineage;
  readonly zone: string | undefined;
  /** What stands before every service of its zone. */
  readonly zoneVia: readonly HopDeclaration[];
  /** How it authenticates when it fetches a callee's token; absent: it fetches none. */
  readonly auth: AuthPlan | undefined;
  /** To which keys sealed tokens for it are encrypted; absent: none is sealed. */
  readonly encryption: EncryptionPlan | undefined;
  /** Services before which it is a gateway: it may introspect what clients present to them. */
  readonly introspect: readonly ServicePlan[];
  readonly claims: readonly ClaimNeed[];
  readonly calls: readonly CallPlan[];
  readonly scopes: ReadonlyMap<string, ScopePlan>;
}

export interface ScopePlan extends ScopeSettings {
  /** Its place among the scopes of its service. */
  readonly index: number;
  readonly claims: readonly ClaimNeed[];
  /** Names of the clients and services that may call it. Absent: everyone who has the call in the graph. */
  readonly callers: ReadonlySet<string> | undefined;
  /** Actors of which one must be in the chain of its token. Absent: any chain will do. */
  readonly through: ReadonlySet<string> | undefined;
  /** For every call into it. */
  readonly when: ConditionPlan | undefined;
  readonly calls: readonly CallPlan[];
}

export interface ClaimPlan {
  readonly name: string;
  readonly index: number;
  readonly source:
    | { readonly from: 'client' | 'subject'; readonly path: string }
    | { readonly from: 'request'; readonly setBy: ClaimSetter }
    | { readonly value: unknown };
  readonly type: ClaimType;
  /** The only values that it may have; of a list, its members. Absent: any of its type. */
  readonly values: readonly unknown[] | undefined;
  /** Bytes as JSON in UTF-8, a text without its quotes; present where the graph has no value itself. */
  readonly maxBytes: number | undefined;
  /** Names of the zones in which it may be read; absent: in all. */
  readonly zones: ReadonlySet<string> | undefined;
}

export interface ClaimNeed {
  readonly claim: ClaimPlan;
  /** The request fails where the claim has no value. */
  readonly required: boolean;
  /** Where a service or a scope names it. */
  readonly at: Place;
}

export interface CallPlan extends Place {
  readonly callee: string;
  /** Absent for a callee outside the graph (`mode: none`). */
  readonly service: ServicePlan | undefined;
  readonly scopes: readonly ScopePlan[];
  readonly mode: CallMode;
  /** Whether the callee's token is encrypted to the callee, because the call or the callee says so (rule 5). */
  readonly seal: boolean;
  readonly probability: number;
  readonly via: readonly HopDeclaration[];
  /** The last day on which it is made, in UTC: 2027-03-31. Absent: it has no end. */
  readonly until: string | undefined;
  /** Conditions on its scopes; a scope without one is always named. */
  readonly when: readonly ScopeCondition[];
}

/** A condition of a call on one of its scopes. */
export interface ScopeCondition {
  readonly scope: string;
  readonly condition: ConditionPlan;
}

/** A condition, decided once for a tree, when it begins. */
export interface ConditionPlan {
  /** CEL, as it is written; absent: it is written as `facts`. */
  readonly text: string | undefined;
  /** Each with the values of which it has one, or holds one in a list. */
  readonly facts: readonly FactValuesPlan[];
  /** All of them must hold. */
  readonly conjuncts: readonly Conjunct[];
  readonly at: Place;
}

export interface FactValuesPlan {
  /** Where the subject's token has it: the `path` of the claim, where it is declared; of other facts, the name. */
  readonly path: string;
  readonly values: readonly unknown[];
  /** Of the conjunct that it is. */
  readonly id: string;
}

/** A part of conditions, equal wherever it has the same id. */
export interface Conjunct {
  readonly id: string;
  readonly expression: Expression;
}
