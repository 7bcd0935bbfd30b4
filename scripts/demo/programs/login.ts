/** An OpenID Connect provider, by the package `oidc-provider`, with users, their passwords, and a page to log in. */
import express, { type Express, type Request, type Response } from 'express';
import { exportJWK, generateKeyPair } from 'jose';
import {
  identityProvider,
  type Application,
  type IdentityProvider,
  type People,
} from '../../../test/support/provider/identity-provider.ts';
import { answerParent } from './child.ts';

export interface LoginConfig {
  /** Its own address. */
  readonly url: string;
  readonly application: Application;
  readonly people: People;
  /** By user. */
  readonly passwords: Readonly<Record<string, string>>;
}

/** Longer than a token of the shop, which never outlives the ID token that it came from. */
const LIFETIME_SECONDS = 600;

answerParent<LoginConfig, never>(async ({ url, application, people, passwords }): Promise<Express> => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = identityProvider({
    url,
    key: { ...(await exportJWK(privateKey)), kid: 'login', alg: 'ES256', use: 'sig' },
    applications: [application],
    people,
    lifetime: () => LIFETIME_SECONDS,
    pkce: true,
  });
  const app = express();
  app.get('/interaction/:id', (request, response) => askWho(request, response, provider));
  app.post('/interaction/:id', express.urlencoded(), async (request, response) => {
    const { user, password } = request.body as { user: string; password: string };
    if (!Object.hasOwn(passwords, user) || passwords[user] !== password)
      await askWho(request, response.status(401), provider);
    else await provider.logIn(request, response, user);
  });
  app.use(provider.answer);
  return app;
});

async function askWho(request: Request, response: Response, provider: IdentityProvider): Promise<void> {
  const { client_id: application } = await provider.asked(request, response);
  response.send(`<!doctype html>
<title>Log in to ${application}</title>
<form method="post" action="${request.path}">
  <input name="user"><input name="password" type="password"><button>Log in</button>
</form>
`);
}
