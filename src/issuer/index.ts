/** Issuing: who asks, what the plan grants, and the signed tree. Knows no HTTP. */
export { authenticatingParties, type Credentials, type Party } from './authenticate.ts';
export { type ExchangeRequest } from './exchange.ts';
export {
  createIssuer,
  type IssuedTree,
  type Issuer,
  type IssuerOptions,
  type SubjectToken,
} from './issuer.ts';
