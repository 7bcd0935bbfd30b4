/** A real oidc-provider, as the tests and the demo run it: applications that users log in to, and no page for consent. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { JWK } from 'jose';
import Provider, { type Context } from 'oidc-provider';

export type People = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Application {
  readonly id: string;
  readonly secret: string;
  /** Where its users come back to. */
  readonly callback: string;
}

export interface ProviderOptions {
  /** Its issuer URL. */
  readonly url: string;
  /** Its only key, private: an ES256 JWK with `kid`. */
  readonly key: JWK;
  readonly applications: readonly Application[];
  /** Users by their `sub`, with what the provider says of them. */
  readonly people: People;
  /** Seconds that its tokens live; asked for each of them. */
  readonly lifetime: () => number;
  /** Values of `acr` that its ID tokens may have. Default: none has one. */
  readonly levels?: readonly string[];
  /** Whether applications must use PKCE (RFC 7636). */
  readonly pkce: boolean;
  /** Audience of its access tokens. Default: they are opaque, for its own endpoints. */
  readonly api?: string;
}

export interface IdentityProvider {
  /** Answers everything but the pages at `/interaction/…`, where a user has to say who they are. */
  readonly answer: RequestListener;
  /** What the application asked for, at one of these pages. */
  asked(request: IncomingMessage, response: ServerResponse): Promise<Readonly<Record<string, string>>>;
  /**
   * Goes on, as this user, from such a page back to the application.
   *
   * @param acr how the user logged in (RFC 9470). Default: nothing is said.
   */
  logIn(request: IncomingMessage, response: ServerResponse, user: string, acr?: string): Promise<void>;
}

export function identityProvider(options: ProviderOptions): IdentityProvider {
  const { url, people, api } = options;
  const provider: Provider = new Provider(url, {
    ...settingsOf(options),
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, ...people[accountId] }),
    }),
    async loadExistingGrant({ oidc: { client, session } }: Context) {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      if (api !== undefined) grant.addResourceScope(api, 'call');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  return {
    answer: (request, response) => void callback(request, response),
    asked: async (request, response) => (await provider.interactionDetails(request, response)).params,
    logIn: (request, response, user, acr) =>
      provider.interactionFinished(request, response, {
        login: { accountId: user, ...(acr === undefined ? {} : { acr }) },
      }),
  };
}

function settingsOf({
  key,
  applications,
  people,
  lifetime,
  pkce,
  api,
  levels = [],
}: ProviderOptions): object {
  return {
    jwks: { keys: [key] },
    clients: applications.map(({ id, secret, callback }) => ({
      client_id: id,
      client_secret: secret,
      redirect_uris: [callback],
      require_auth_time: levels.length > 0,
      id_token_signed_response_alg: 'ES256',
    })),
    cookies: { keys: ['signs cookies'] },
    claims: {
      openid: ['sub'],
      profile: ['name', 'role', 'org', 'address'],
      email: ['email'],
      acr: null,
      auth_time: null,
    },
    ...(levels.length > 0 ? { acrValues: levels } : {}),
    conformIdTokenClaims: false,
    pkce: { required: () => pkce },
    ttl: {
      IdToken: lifetime,
      AccessToken: lifetime,
      AuthorizationCode: 60,
      Grant: 600,
      Session: 600,
      Interaction: 60,
    },
    extraTokenClaims: (_context: unknown, { accountId }: { accountId: string }) => people[accountId],
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: api !== undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'call',
          audience: api,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}
