/** A peer's own client, oauth4webapi, at our issuer: it discovers, asks, and holds every answer against the RFCs. */
import * as oauth from 'oauth4webapi';

import type { fetchWith } from '../../support/tls.ts';

type Parameters = Readonly<Record<string, string>>;

/** What lets the client speak http, on loopback, or how it fetches. */
export interface PeerOptions {
  readonly [oauth.allowInsecureRequests]?: boolean;
  readonly [oauth.customFetch]?: ReturnType<typeof fetchWith>;
}

const INSECURE: PeerOptions = { [oauth.allowInsecureRequests]: true };

/** RFC 8414 section 3. */
export async function discover(url: string, options = INSECURE): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(url);
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options });
  return oauth.processDiscoveryResponse(issuer, response);
}

/** Claims of a root token, as a resource server of the peer finds them (RFC 9068 section 4). */
export async function received(token: string, url: string, audience: string) {
  const server = { issuer: url, jwks_uri: `${url}/jwks` };
  const call = new Request(`${audience}/`, { headers: { authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(server, call, audience, INSECURE);
}

export class Peer {
  readonly #server: oauth.AuthorizationServer;
  readonly #client: oauth.Client;
  readonly #auth: oauth.ClientAuth;
  readonly #options: PeerOptions;

  private constructor(
    server: oauth.AuthorizationServer,
    client: oauth.Client,
    auth: oauth.ClientAuth,
    options: PeerOptions,
  ) {
    this.#server = server;
    this.#client = client;
    this.#auth = auth;
    this.#options = options;
  }

  /** Discovers the issuer. */
  static async at(url: string, client_id: string, auth: oauth.ClientAuth, options = INSECURE): Promise<Peer> {
    const client = { client_id, introspection_signed_response_alg: 'ES256' };
    return new Peer(await discover(url, options), client, auth, options);
  }

  /** RFC 6749 section 4.4. */
  async clientCredentials(parameters: Parameters = {}): Promise<oauth.TokenEndpointResponse> {
    const [server, client] = [this.#server, this.#client];
    const [auth, options] = [this.#auth, this.#options];
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      auth,
      { ...parameters },
      options,
    );
    return oauth.processClientCredentialsResponse(server, client, response);
  }

  /** RFC 6749 section 4.5. */
  async grant(type: string, parameters: Parameters): Promise<oauth.TokenEndpointResponse> {
    const [server, client] = [this.#server, this.#client];
    const [auth, options] = [this.#auth, this.#options];
    const form = { ...parameters };
    const response = await oauth.genericTokenEndpointRequest(server, client, auth, type, form, options);
    return oauth.processGenericTokenEndpointResponse(server, client, response);
  }

  /** RFC 7662, or RFC 9701 where the answer is to be signed. */
  async introspect(token: string, requestJwtResponse = false): Promise<oauth.IntrospectionResponse> {
    const [server, client] = [this.#server, this.#client];
    const options = { requestJwtResponse, ...this.#options };
    const response = await oauth.introspectionRequest(server, client, this.#auth, token, options);
    return oauth.processIntrospectionResponse(server, client, response);
  }

  /** RFC 7009. */
  async revoke(token: string): Promise<void> {
    const [server, client] = [this.#server, this.#client];
    const response = await oauth.revocationRequest(server, client, this.#auth, token, this.#options);
    await oauth.processRevocationResponse(response);
  }
}
