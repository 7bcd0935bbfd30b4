/**
 * The shop's own pages, and the client of the graph. It logs users in at the provider (OpenID Connect, authorization code
 * with PKCE) and exchanges their ID token for a token of the shop (RFC 8693), which it gives to the browser: an opaque one.
 */
import { randomUUID } from 'node:crypto';
import express, { type Express, type Request } from 'express';
import * as oauth from 'oauth4webapi';
import { answerParent } from './child.ts';

export interface StorefrontConfig {
  /** Its own address. */
  readonly url: string;
  readonly login: Party;
  readonly issuer: Party;
  /** What users may do in the shop. */
  readonly scope: string;
}

/** One that it has dealings with, and its secret there; its name is the same with all. */
interface Party {
  readonly url: string;
  readonly secret: string;
}

/** A login, for the parent to show. */
export interface SeenLogin {
  readonly idTokenBytes: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What the browser gets. */
export interface Session {
  readonly access_token: string;
  readonly expires_in: number;
}

interface Pending {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
}

const CLIENT: oauth.Client = { client_id: 'storefront', id_token_signed_response_alg: 'ES256' };
/** Everything is on loopback, where plain HTTP is allowed. */
const LOOPBACK = { [oauth.allowInsecureRequests]: true };
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

answerParent<StorefrontConfig, SeenLogin>(async (config, seen): Promise<Express> => {
  const login = await discover(config.login.url, 'oidc');
  const issuer = await discover(config.issuer.url, 'oauth2');
  const callback = `${config.url}/callback`;
  const pending = new Map<string, Pending>();
  const app = express();

  app.get('/login', async (_request, response) => {
    const [id, verifier] = [randomUUID(), oauth.generateRandomCodeVerifier()];
    const attempt = { verifier, state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
    pending.set(id, attempt);
    const query = new URLSearchParams({
      client_id: CLIENT.client_id,
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid profile email',
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    response.cookie('login', id, { httpOnly: true, sameSite: 'lax' });
    response.redirect(`${login.authorization_endpoint}?${query.toString()}`);
  });

  app.get('/callback', async (request, response) => {
    const id = /login=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const attempt = pending.get(id);
    pending.delete(id);
    if (!attempt) return void response.status(400).json({ detail: 'no login was begun here' });
    const idToken = await redeem(login, config, attempt, new URL(request.originalUrl, config.url));
    const { access_token, expires_in } = await exchange(issuer, config, idToken.text);
    seen.push({ idTokenBytes: idToken.text.length, claims: idToken.claims });
    response.json({ access_token, expires_in });
  });

  app.post('/logout', async (request, response) => {
    const auth = oauth.ClientSecretBasic(config.issuer.secret);
    const answer = await oauth.revocationRequest(issuer, CLIENT, auth, bearer(request), LOOPBACK);
    await oauth.processRevocationResponse(answer);
    response.status(204).end();
  });
  return app;
});

async function discover(url: string, algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(url);
  return oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm, ...LOOPBACK }),
  );
}

/** The code for an ID token (OpenID Connect Core section 3.1.3). */
async function redeem(
  login: oauth.AuthorizationServer,
  config: StorefrontConfig,
  { verifier, state, nonce }: Pending,
  address: URL,
): Promise<{ text: string; claims: oauth.IDToken }> {
  const code = oauth.validateAuthResponse(login, CLIENT, address, state);
  const response = await oauth.authorizationCodeGrantRequest(
    login,
    CLIENT,
    oauth.ClientSecretBasic(config.login.secret),
    code,
    `${config.url}/callback`,
    verifier,
    LOOPBACK,
  );
  const expected = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(login, CLIENT, response, expected);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (tokens.id_token === undefined || !claims) throw new TypeError('the provider gave no ID token');
  return { text: tokens.id_token, claims };
}

/** The user's ID token for a token of the shop (RFC 8693 section 2.1). */
async function exchange(
  issuer: oauth.AuthorizationServer,
  config: StorefrontConfig,
  idToken: string,
): Promise<oauth.TokenEndpointResponse> {
  const response = await oauth.genericTokenEndpointRequest(
    issuer,
    CLIENT,
    oauth.ClientSecretBasic(config.issuer.secret),
    EXCHANGE,
    { subject_token: idToken, subject_token_type: ID_TOKEN, scope: config.scope },
    LOOPBACK,
  );
  return oauth.processGenericTokenEndpointResponse(issuer, CLIENT, response);
}

function bearer({ headers }: Request): string {
  return (headers.authorization ?? '').replace(/^Bearer /, '');
}
