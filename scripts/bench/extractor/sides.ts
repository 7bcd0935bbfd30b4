/**
 * Who verifies, and what is timed of it. Inputs lie ready: header texts, requests, bytes.
 *
 * - Bare verification: `verify` of node:crypto over the signing input, with the key, input and signature as objects.
 * - Waybill: `authenticate`, which reads the header, verifies the token (signature, type, issuer, audience, times) and
 *   unwraps it, then `headersFor` the callee: the header of the next call. A leaf has no callee; its claims are handed out.
 * - Waybill in Express: the same through the middleware `protect`, from a request object to `next`.
 * - jose: `jwtVerify` with a remote key set, issuer, audience and algorithm. It knows nothing of children.
 * - express-oauth2-jwt-bearer: its middleware, from the same kind of request object to `next`.
 * - fast-jwt: a verifier with the key in PEM, issuer, audience and algorithm, called synchronously.
 *
 * - Unpacking: a packed token to nodes, and a child taken out of them. A part of what Waybill does, and no check.
 *
 * Key sets are fetched from a server of this process before anything is timed, and cached as each library does it.
 */
import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { createVerifier } from 'fast-jwt';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { extractor, type Extractor, type RequestContext } from 'waybill/middleware';
import type * as TokenRoom from '../../../src/token/index.ts';
import type { Side } from '../rounds.ts';
import { headerOf, requestWith } from './requests.ts';
import type { Issued, Kind, Token } from './tokens.ts';

export interface Setting {
  readonly issuer: Issued['issuer'];
  /** Where its keys are served. */
  readonly jwksUri: string;
  /** Verified tokens that each cache keeps. */
  readonly kept: number;
}

/** A verifier: what lies ready for a request with a token, and what is done for each. */
interface Verifier<Input = unknown> {
  readonly input: (token: Token) => Input;
  readonly act: (input: Input) => unknown;
}

const ALG = 'ES256';

/** The sides, as they are reported. */
export const NAMES = {
  BARE: 'bare verification',
  WAYBILL: 'Waybill',
  EXPRESS: 'Waybill in Express',
  AUTH0: 'express-oauth2-jwt-bearer',
  JOSE: 'jose jwtVerify',
  FAST: 'fast-jwt',
  UNPACKING: 'unpacking, a child taken',
} as const;

export function cached(name: string): string {
  return `${name}, cached`;
}

/** A part of the package that it does not export. */
const { childOf, unpackNode } = (await import(
  new URL('../../../dist/token/index.js', import.meta.url).href
)) as typeof TokenRoom;

export function sideWith<Input>(
  name: string,
  tokens: readonly Token[],
  { input, act }: Verifier<Input>,
  inputs: number,
): Side {
  let next = 0;
  return {
    name,
    inputs,
    batch(count) {
      const ready = Array.from({ length: count }, () => input(tokens[next++ % tokens.length]!));
      return async () => {
        for (const one of ready) {
          const done = act(one);
          if (done instanceof Promise) await done;
        }
      };
    },
  };
}

interface Signed {
  readonly data: Buffer;
  readonly signature: Buffer;
}

export function bare({ issuer }: Setting): Verifier<Signed> {
  const options = { key: publicKey(issuer), dsaEncoding: 'ieee-p1363' } as const;
  return {
    input({ jwt }) {
      const dot = jwt.lastIndexOf('.');
      const signature = Buffer.from(jwt.toString('latin1', dot + 1), 'base64url');
      return { data: jwt.subarray(0, dot), signature };
    },
    act: ({ data, signature }) => required(verify('sha256', data, options, signature)),
  };
}

/** @returns undefined for tokens that are not packed, or carry none. */
export function unpacking({ callee, tokens }: Kind): Verifier<string> | undefined {
  if (callee === undefined || tokens[0]?.sent.toString('latin1', 0, 4) !== 'wb1~') return undefined;
  return {
    input: ({ sent }) => sent.toString('latin1'),
    act: (packed) => required(childOf(unpackNode(packed), callee) !== undefined, 'a child is not there'),
  };
}

export function waybill(setting: Setting, kind: Kind): Verifier<string> {
  const service = extractorFor(setting, kind);
  return {
    input: headerOf,
    async act(header) {
      const request = { authorization: [header], method: 'POST', url: '/cart/checkout' };
      handOut(await service.authenticate(request), kind);
    },
  };
}

export function waybillInExpress(setting: Setting, kind: Kind): Verifier<Request> {
  const protect = extractorFor(setting, kind).protect();
  return {
    input: requestWith,
    async act(request) {
      await passed(protect, request);
      handOut(request.waybill, kind);
    },
  };
}

function extractorFor({ issuer, jwksUri, kept }: Setting, { audience }: Kind): Extractor {
  return extractor({ issuer: issuer.url, audience, jwksUri, caller: 'none', cache: { tokens: kept } });
}

function handOut(context: Pick<RequestContext, 'claims' | 'headersFor'>, { callee }: Kind): unknown {
  return callee === undefined ? context.claims : context.headersFor(callee);
}

export function jose({ issuer, jwksUri }: Setting, { audience }: Kind): Verifier<string> {
  const keys = createRemoteJWKSet(new URL(jwksUri));
  const options = { issuer: issuer.url, audience, algorithms: [ALG] };
  return { input: textOf, act: (token) => jwtVerify(token, keys, options) };
}

export function auth0({ issuer, jwksUri }: Setting, { audience }: Kind): Verifier<Request> {
  const handler = auth({ issuer: issuer.url, jwksUri, audience, tokenSigningAlg: ALG });
  return {
    input: ({ jwt }) => requestWith({ sent: jwt, jwt }),
    act: (request) => passed(handler, request),
  };
}

/** @param cache as its option: verified tokens to keep; false, its default, for none. */
export function fastJwt({ issuer }: Setting, { audience }: Kind, cache: number | false): Verifier<string> {
  const key = publicKey(issuer).export({ type: 'spki', format: 'pem' });
  const act = createVerifier({
    key,
    algorithms: [ALG],
    allowedIss: issuer.url,
    allowedAud: audience,
    cache,
  });
  return { input: textOf, act };
}

function textOf({ jwt }: Token): string {
  return jwt.toString('latin1');
}

function publicKey({ jwks }: Issued['issuer']): KeyObject {
  return createPublicKey({ key: jwks.keys[0] as JsonWebKey, format: 'jwk' });
}

/** Until the middleware calls `next`. @throws what it calls that with. */
function passed(handler: RequestHandler, request: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    void handler(request, request.res!, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new TypeError('refused', { cause: error }));
    });
  });
}

function required(holds: boolean, otherwise = 'a signature does not verify'): void {
  if (!holds) throw new TypeError(otherwise);
}
