/** An identity provider on a real port whose tokens a test can bend in any way. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JWK } from 'jose';

import { listen } from '../http.ts';
import { NOW, makeSigner, type Json, type Signer } from '../keys/signer.ts';

export interface TestProvider {
  /** Its issuer URL. */
  readonly url: string;
  signer: Signer;
  keys: JWK[];
  /** Members that replace those of the metadata. */
  metadata: Json;
  /** Paths in the order in which they were asked for. */
  readonly requests: string[];
  /** Answers in its place; returns true where it did. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Claims and header replace what a right token has; those that are undefined are left out. */
  idToken(claims?: Json, header?: Json): Promise<string>;
  accessToken(claims?: Json, header?: Json): Promise<string>;
}

/** The client id of the application at the provider, and the audience of its access tokens. */
export const APP = 'app';
export const API = 'https://api.example';

/** Ended by `closeServers`. */
export async function startProvider(): Promise<TestProvider> {
  const url = await listen((request, response) => {
    provider.requests.push(request.url ?? '');
    if (provider.intercept?.(request, response) === true) return;
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks`, ...provider.metadata },
      '/jwks': { keys: provider.keys },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  const signer = await makeSigner('ES256', 'provider-1');
  const times = { iat: NOW - 10, exp: NOW + 3600 };
  const sign = (claims: Json, header: Json) =>
    provider.signer.sign(JSON.parse(JSON.stringify(claims)) as Json, header);
  const provider: TestProvider = {
    url,
    signer,
    keys: [signer.publicJwk],
    metadata: {},
    requests: [],
    intercept: undefined,
    idToken: (claims = {}, header = {}) =>
      sign(
        { iss: url, sub: 'alice', aud: APP, nonce: 'n', ...times, ...claims },
        { typ: undefined, ...header },
      ),
    accessToken: (claims = {}, header = {}) =>
      sign(
        { iss: url, sub: 'alice', aud: API, client_id: APP, scope: 'openid', jti: 'j', ...times, ...claims },
        header,
      ),
  };
  return provider;
}

/** As it stands under `subjects` of a graph. */
export function subjectOf({ url }: { readonly url: string }, more = '', audience: string = APP): string {
  return `{ issuer: '${url}', audience: '${audience}'${more === '' ? '' : `, ${more}`} }`;
}
