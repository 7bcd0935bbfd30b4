/**
 * The claims of a request (`from: request`), its context: what a client says of its request, or a gateway with each swap.
 * The issuer checks the values once and signs them into the tree, so that no service can set or change one.
 */
import { WaybillError } from '../../errors.ts';
import {
  isAllowed,
  isOfType,
  valueBytes,
  type ClaimPlan,
  type ClaimSetter,
  type ClientPlan,
  type Plan,
} from '../../graph/index.ts';

/** Values by the names of the claims. */
export type RequestClaims = ReadonlyMap<string, unknown>;

export const NO_REQUEST_CLAIMS: RequestClaims = new Map();

/** A value that a request has and must not have, or lacks. The message has no value in it. */
export class RequestClaimFault extends WaybillError<'invalid_request'> {
  /** Who can do something about it. */
  readonly setter: ClaimSetter;

  constructor(setter: ClaimSetter, message: string) {
    super('invalid_request', message);
    this.setter = setter;
  }
}

/**
 * Checks what a party sets.
 *
 * @param given values by the names of claims.
 * @throws RequestClaimFault for a name that this party cannot set, a value that its claim does not allow, and one over its
 *   bound.
 */
export function requestClaims(
  { claims }: Plan,
  given: Readonly<Record<string, unknown>>,
  setter: ClaimSetter,
): RequestClaims {
  const entries = Object.entries(given);
  if (entries.length === 0) return NO_REQUEST_CLAIMS;
  for (const [name, value] of entries) requireAllowed(claims.get(name), value, setter);
  return new Map(entries);
}

function requireAllowed(claim: ClaimPlan | undefined, value: unknown, setter: ClaimSetter): void {
  const setBy = claim && setterOf(claim);
  // A name that the graph does not have is not repeated: it may be anything.
  if (!claim || setBy === undefined)
    throw new RequestClaimFault(
      setter,
      'The request sets a name that is no claim of the request in the graph.',
    );
  const { name, type, maxBytes } = claim;
  if (setBy !== setter) {
    throw new RequestClaimFault(
      setter,
      setBy === 'client'
        ? `The claim ${name} is set by the client when it asks for the token, and stays as it is.`
        : `The claim ${name} is set by the gateway that swaps the token.`,
    );
  }
  if (!isAllowed(value, claim)) {
    throw new RequestClaimFault(
      setter,
      isOfType(value, type)
        ? `The value of the claim ${name} is not one of those that the graph allows.`
        : `The value of the claim ${name} is not of its type, ${type}.`,
    );
  }
  const bytes = valueBytes(value);
  if (maxBytes !== undefined && bytes > maxBytes)
    throw new RequestClaimFault(
      setter,
      `The claim ${name} of the request has ${bytes} bytes; at most ${maxBytes} are allowed.`,
    );
}

/** Splits what is said of a request by who sets it; names that gateways do not set are left to the client. */
export function bySetter(
  { claims }: Plan,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<ClaimSetter, Readonly<Record<string, unknown>>>> {
  const ofGateway = ([name]: readonly [string, unknown]): boolean => {
    const claim = claims.get(name);
    return claim !== undefined && setterOf(claim) === 'gateway';
  };
  const entries = Object.entries(given);
  return {
    client: Object.fromEntries(entries.filter((entry) => !ofGateway(entry))),
    gateway: Object.fromEntries(entries.filter(ofGateway)),
  };
}

/**
 * Checks what is said of a request until its tree reaches the entry: by the client, and for an opaque one by the gateway.
 *
 * @throws RequestClaimFault
 */
export function requestContext(
  plan: Plan,
  { token }: ClientPlan,
  given: Readonly<Record<string, unknown>>,
): RequestClaims {
  if (token === 'jwt') return requestClaims(plan, given, 'client');
  const said = bySetter(plan, given);
  return new Map([
    ...requestClaims(plan, said.client, 'client'),
    ...requestClaims(plan, said.gateway, 'gateway'),
  ]);
}

/** Who sets a claim of the request; undefined for any other claim. */
export function setterOf({ source }: ClaimPlan): ClaimSetter | undefined {
  return 'setBy' in source ? source.setBy : undefined;
}
