/** Access tokens: their claims, their compact form, their verification, the tree that they make. */

export {
  FULLY_SPECIFIED_ALGORITHMS,
  SIGNING_ALGORITHMS,
  isFullySpecified,
  isSigningAlgorithm,
} from '../protocol.ts';
export type { FullySpecifiedAlgorithm, SigningAlgorithm } from '../protocol.ts';
export { cacheKey } from './cache-key.ts';
export { openChild, decodeChild, sealedChild } from './child.ts';
export type { EmbeddedChild } from './child.ts';
export { CLIENT_ASSERTION_TYPE, signClientAssertion } from './client-assertion.ts';
export type { AssertionKey } from './client-assertion.ts';
export { asList, audiencesOf, namedEntry } from './claims.ts';
export type { AccessTokenClaims } from './claims.ts';
export { THUMBPRINT_CHARS, bindingsOf, confirmationMethod, tokenTypeOf } from './confirmation.ts';
export type { Confirmation, ConfirmationMethod, TokenType } from './confirmation.ts';
export { decodeToken, payloadTextOf } from './compact.ts';
export type { DecodeOptions, DecodedToken } from './compact.ts';
export { PROOF_ALGORITHMS, verifyProof } from './dpop-proof.ts';
export { signProof } from './sign-proof.ts';
export type { ProvenRequest, VerifiedProof } from './dpop-proof.ts';
export type { JsonObject } from './json.ts';
export {
  UNNAMED,
  algorithmOf,
  keyCacheName,
  hasUsableKey,
  isKeyNotFound,
  keySet,
  readKeySet,
  readPartyKeySet,
  requireKeyAlgorithm,
  unknownKey,
  withoutWeakKeys,
} from './key-set.ts';
export type { KeyReference, KeyResolver, PublicKeySet } from './key-set.ts';
export { requireKeyFor } from './key-algorithm.ts';
export { isSignedInWebCrypto } from './web-signature.ts';
export { parsePastedToken, unfoldPasted, type PastedToken } from './pasted-token.ts';
export type { AsciiCheck, CompressionFactory, Inflated, SignatureCheck } from './platform.ts';
export { isReference, referenceOf } from './opaque-reference.ts';
export { unfoldTree, verifyTree } from './tree.ts';
export type { SealedChild, TokenTree, TreeBounds, TreeVerdict } from './tree.ts';
export { eagerVerifier, openAgain, tokenVerifier } from './verify.ts';
export type {
  EagerVerifier,
  OpenedToken,
  TokenVerifier,
  TokenVerifierOptions,
  VerifiedToken,
  VerifiedTree,
} from './verify.ts';
export {
  NOTHING_DEFERRED,
  deferredClaimsLength,
  decryptDeferredClaims,
  encryptDeferredClaims,
} from './deferred-claims.ts';
export type { DeferredClaims, DeferredClaimsKey } from './deferred-claims.ts';
export { TXN_CHARS, headerOf, isFirstRoot, jtiOf, payloadOf } from './payload.ts';
export { PayloadTemplate, jsonText } from './payload-template.ts';
export type { TemplatePositions, TemplateValues } from './payload-template.ts';
export { MAX_NODE_LEVELS, signedNode } from './signed-node.ts';
export { base64url } from './packed/nested.ts';
export {
  childOf,
  nestedOf,
  pack,
  packAgain,
  packNode,
  packedBound,
  unpack,
  unpackNode,
  unsignedNode,
} from './packed/packed.ts';
export type { PackOptions } from './packed/packed.ts';
export {
  isSealed,
  readSealedHeader,
  sealedLength,
  sealedParts,
  type SealKeySize,
  type SealedHeader,
} from './sealed/header.ts';
export {
  agreementOf,
  isSealKid,
  requireSealOf,
  sealCurveOf,
  sealOpener,
  unopened,
  type DecryptionKeys,
  type OpenedSeal,
  type SealOpener,
} from './sealed/open.ts';
export { sealToken, type SealKey } from './sealed/seal.ts';
export { isPacked } from './packed/prefix.ts';
export { encodingOf } from './encoding.ts';
export { ENCODINGS, type Encoding } from '../protocol.ts';
export { actorNames, chainOf, identitiesOf } from './actors.ts';
export {
  TokenPosition,
  memberBound,
  packedLength,
  recordBound,
  sealedBound,
  distinctPositions,
} from './packed/size-bound.ts';
export type { UnpackLimits } from './packed/bundle.ts';
export type { SignedNode, TokenNode } from './packed/node.ts';
