/** Issuing: who asks, what the plan grants, and the signed tree. Knows no HTTP. */
export { type Credentials } from './authenticate.ts';
export { createIssuer, type IssuedTree, type Issuer, type IssuerOptions } from './issuer.ts';
