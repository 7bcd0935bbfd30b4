/** A real oidc-provider on a port of its own: users log in by `login_hint`, and applications get real tokens. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import Provider, { type Context } from 'oidc-provider';

import { listen } from '../middleware/servers.ts';
import { API, APP } from './provider.ts';

/** Users by their `sub`, with what the provider says of them. */
export const PEOPLE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  alice: { email: 'alice@example.org', name: 'Alice', role: ['support'] },
  bob: { email: 'bob@example.org', name: 'Bob' },
  carol: { name: 'Carol' },
};

export interface LoginTokens {
  readonly id_token: string;
  /** For `API`, as RFC 9068 says. */
  readonly access_token: string;
}

export interface Login {
  readonly url: string;
  /** Seconds that its tokens live. */
  lifetime: number;
  /** Runs the authorization code flow as this user, for this application. */
  logIn(user: string, application?: string): Promise<LoginTokens>;
  /** Signs with a new key from now on, and publishes no other. */
  rotate(): Promise<void>;
}

const CALLBACK = 'https://app.example/callback';
const SECRET = 'the secret of every application at the provider';

/** Ended by `closeServers`. */
export async function startLogin(): Promise<Login> {
  let handle: RequestListener = () => undefined;
  const url = await listen((request, response) => void handle(request, response));
  let keys = 0;
  const begin = async (): Promise<void> => {
    keys++;
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const key: JWK = { ...(await exportJWK(privateKey)), kid: `login-${keys}`, alg: 'ES256', use: 'sig' };
    const provider = providerAt(url, key, () => login.lifetime);
    const answer = provider.callback();
    handle = (request, response) => {
      if (request.url?.startsWith('/interaction/') === true) void finish(provider, request, response);
      else void answer(request, response);
    };
  };
  const login: Login = {
    url,
    lifetime: 3600,
    rotate: begin,
    logIn: async (user, application = APP) => codeFlow(url, user, application),
  };
  await begin();
  return login;
}

function providerAt(url: string, key: JWK, lifetime: () => number): Provider {
  const provider: Provider = new Provider(url, {
    jwks: { keys: [key] },
    clients: [APP, 'other'].map((client_id) => ({
      client_id,
      client_secret: SECRET,
      redirect_uris: [CALLBACK],
      id_token_signed_response_alg: 'ES256',
    })),
    cookies: { keys: ['for the tests'] },
    claims: { openid: ['sub'], profile: ['name', 'role'], email: ['email'] },
    conformIdTokenClaims: false,
    pkce: { required: () => false },
    ttl: {
      IdToken: lifetime,
      AccessToken: lifetime,
      AuthorizationCode: 60,
      Grant: 600,
      Session: 600,
      Interaction: 60,
    },
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, ...PEOPLE[accountId] }),
    }),
    extraTokenClaims: (_context: unknown, { accountId }: { accountId: string }) => PEOPLE[accountId],
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    async loadExistingGrant({ oidc: { client, session } }: Context) {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      grant.addResourceScope(API, 'call');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'call',
          audience: API,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  return provider;
}

async function finish(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params } = await provider.interactionDetails(request, response);
  await provider.interactionFinished(request, response, { login: { accountId: params['login_hint'] } });
}

/** RFC 6749 section 4.1, as a browser and the application behind it would do it. */
async function codeFlow(url: string, user: string, client_id: string): Promise<LoginTokens> {
  const query = {
    client_id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid profile email call',
    resource: API,
    login_hint: user,
  };
  const cookies = new Map<string, string>();
  let address = `${url}/auth?${new URLSearchParams(query).toString()}`;
  while (!address.startsWith(CALLBACK)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(address, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null)
      throw new Error(`the provider answered ${response.status}: ${await response.text()}`);
    address = new URL(location, url).href;
  }
  const code = new URL(address).searchParams.get('code');
  if (code === null) throw new Error(address);
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client_id}:${encodeURIComponent(SECRET)}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      resource: API,
    }),
  });
  const body = (await response.json()) as LoginTokens & { error?: string };
  if (body.error !== undefined) throw new Error(JSON.stringify(body));
  return body;
}
