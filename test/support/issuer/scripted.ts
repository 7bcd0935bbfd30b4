/** Metadata, keys and tokens of an issuer, each of which a test may bend. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JWK } from 'jose';

import { listen } from '../http.ts';
import { claims, makeSigner, type Json, type Signer } from '../keys/signer.ts';

export interface ScriptedIssuer {
  readonly url: string;
  readonly signer: Signer;
  /** Paths in the order in which they were asked for. */
  readonly requests: string[];
  keys: JWK[];
  /** Members that replace those of the metadata. */
  metadata: Json;
  /** Answers in place of the issuer; returns true where it did. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** A token of this issuer; overrides as in `claims`. */
  token(overrides?: Json, header?: Json): Promise<string>;
  asked(path: string): number;
}

export const METADATA_PATH = '/.well-known/oauth-authorization-server';

/** Ended by `closeServers`. @param path the issuer's own path, say `/tenant`. */
export async function startScriptedIssuer(path = ''): Promise<ScriptedIssuer> {
  const signer = await makeSigner();
  const requests: string[] = [];
  const origin = await listen((request, response) => {
    requests.push(request.url ?? '');
    if (issuer.intercept?.(request, response) === true) return;
    const documents: Record<string, unknown> = {
      [`${METADATA_PATH}${path}`]: { issuer: issuer.url, jwks_uri: `${origin}/jwks`, ...issuer.metadata },
      '/jwks': { keys: issuer.keys },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  const issuer: ScriptedIssuer = {
    url: `${origin}${path}`,
    signer,
    requests,
    keys: [signer.publicJwk],
    metadata: {},
    intercept: undefined,
    token: (overrides = {}, header = {}) => signer.sign(claims({ iss: issuer.url, ...overrides }), header),
    asked: (asked) => requests.filter((request) => request === asked).length,
  };
  return issuer;
}
