/** Issuing: who asks, what the plan grants, and the signed tree. Knows no HTTP. */
export { authenticatingParties, nameOf, type Credentials, type Party } from './authenticate.ts';
export { type ExchangeRequest } from './exchange.ts';
export { type IssuedTree } from './issuance.ts';
export { INTROSPECTION_TYPE } from './introspection-jwt.ts';
export { type Introspection, type IntrospectionForm } from './introspect.ts';
export { createIssuer, type Issuer, type IssuerOptions, type SubjectToken } from './issuer.ts';
