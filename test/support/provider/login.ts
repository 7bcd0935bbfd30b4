/** A real oidc-provider on a port of its own: users log in by `login_hint`, and applications get real tokens. */
import type { RequestListener } from 'node:http';

import { exportJWK, generateKeyPair } from 'jose';

import { listen } from '../http.ts';
import { Browser } from './browser.ts';
import { identityProvider, type People } from './identity-provider.ts';
import { API, APP } from './scripted.ts';

/** Users by their `sub`, with what the provider says of them. */
export const PEOPLE: People = {
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
  /**
   * Runs the authorization code flow as this user, for this application.
   *
   * @param acr how the user logs in: one of the levels of `startLogin`. Default: nothing is said of it.
   */
  logIn(user: string, application?: string, acr?: string): Promise<LoginTokens>;
  /** Signs with a new key from now on, and publishes no other. */
  rotate(): Promise<void>;
}

const CALLBACK = 'https://app.example/callback';
const SECRET = 'the secret of every application at the provider';

export interface LoginSettings {
  /** Default: `PEOPLE`. */
  readonly people?: People;
  /** Values of `acr`. Default: none. */
  readonly levels?: readonly string[];
}

/** Ended by `closeServers`. */
export async function startLogin({ people = PEOPLE, levels = [] }: LoginSettings = {}): Promise<Login> {
  let handle: RequestListener = () => undefined;
  const url = await listen((request, response) => void handle(request, response));
  let keys = 0;
  const begin = async (): Promise<void> => {
    keys++;
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const provider = identityProvider({
      url,
      key: { ...(await exportJWK(privateKey)), kid: `login-${keys}`, alg: 'ES256', use: 'sig' },
      applications: [APP, 'other'].map((id) => ({ id, secret: SECRET, callback: CALLBACK })),
      people,
      levels,
      lifetime: () => login.lifetime,
      pkce: false,
      api: API,
    });
    handle = (request, response) => {
      if (request.url?.startsWith('/interaction/') !== true) return void provider.answer(request, response);
      void provider
        .asked(request, response)
        .then(({ login_hint: user = '', acr_values: acr }) => provider.logIn(request, response, user, acr));
    };
  };
  const login: Login = {
    url,
    lifetime: 3600,
    rotate: begin,
    logIn: async (user, application = APP, acr) => codeFlow(url, user, application, acr),
  };
  await begin();
  return login;
}

/** RFC 6749 section 4.1, as a browser and the application behind it would do it. */
async function codeFlow(
  url: string,
  user: string,
  client_id: string,
  acr: string | undefined,
): Promise<LoginTokens> {
  const query = {
    client_id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid profile email call',
    resource: API,
    login_hint: user,
    ...(acr === undefined ? {} : { acr_values: acr }),
  };
  const start = `${url}/auth?${new URLSearchParams(query).toString()}`;
  const end = await new Browser().open(start, undefined, CALLBACK);
  const code = new URL(end.url).searchParams.get('code');
  if (code === null) throw new Error(`the login ended at ${end.url}: ${end.status} ${end.text}`);
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
