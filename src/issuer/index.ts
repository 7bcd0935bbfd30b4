/** Issuing: who asks, what the plan grants, and the signed tree. Knows no HTTP. */
export { ASSERTION_ALGORITHMS } from './client-assertion.ts';
export { type Credentials } from './authenticate.ts';
export { authenticatingParties, nameOf, type AuthenticatingParty, type Party } from './parties.ts';
export { type ExchangeRequest } from './exchange.ts';
export { type IssuedTree } from './issuance.ts';
export { INTROSPECTION_TYPE } from './introspection-jwt.ts';
export { type Introspection, type IntrospectionForm } from './introspect.ts';
export { createIssuer, type Issuer, type IssuerOptions, type SubjectToken } from './issuer.ts';
